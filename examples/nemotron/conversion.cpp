#include "conversion.h"

#include <cstdio>
#include <utility>

#include "interrupt.h"

Conversion::Conversion(std::string label) : progress_(std::move(label)) { catch_interrupts(); }

std::int32_t Conversion::on_progress(std::uint64_t done, std::uint64_t total, void* user) {
  auto& self = *static_cast<Conversion*>(user);
  self.progress_.update(done, total);
  self.total_ = total;
  return take_interrupt() ? 1 : 0;
}

double Conversion::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Conversion::print_summary(const std::string& path) const {
  std::fprintf(stderr, "%s: %s of tensors in %.1f s\n", path.c_str(), format_bytes(total_).c_str(),
               seconds());
}

void Conversion::print_token_summary(const std::string& path) const {
  std::fprintf(stderr, "%s: %llu tokens in %.1f s\n", path.c_str(),
               static_cast<unsigned long long>(total_), seconds());
}
