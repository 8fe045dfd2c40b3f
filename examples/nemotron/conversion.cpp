#include "conversion.h"

#include <cstdio>
#include <utility>

#include "interrupt.h"

Conversion::Conversion(std::string label) : progress_(std::move(label)) { catch_interrupts(); }

std::int32_t Conversion::on_progress(std::uint64_t done, std::uint64_t total, void* user) {
  auto& self = *static_cast<Conversion*>(user);
  self.progress_.update(done, total);
  self.total_bytes_ = total;
  return take_interrupt() ? 1 : 0;
}

void Conversion::print_summary(const std::string& path) const {
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start_;
  std::fprintf(stderr, "%s: %s of tensors in %.1f s\n", path.c_str(),
               format_bytes(total_bytes_).c_str(), time.count());
}
