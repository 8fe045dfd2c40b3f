#include "program.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>

#include "hub_model.h"

namespace {

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};

}  // namespace

ProgressBar::ProgressBar(std::string label)
    : label_(std::move(label)), is_terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (is_shown_) std::fputs("\r\033[K", stderr);
}

void ProgressBar::update(std::uint64_t done, std::uint64_t total) {
  constexpr auto kPatience = std::chrono::seconds(1);
  constexpr auto kInterval = std::chrono::milliseconds(100);
  const auto now = Clock::now();
  if (!is_terminal_ || total == 0 || now - start_ < kPatience || now - last_ < kInterval) return;
  last_ = now;
  is_shown_ = true;
  constexpr std::size_t kWidth = 30;
  const double part = static_cast<double>(done) / static_cast<double>(total);
  const auto filled = static_cast<std::size_t>(part * kWidth);
  const std::string bar = std::string(filled, '#') + std::string(kWidth - filled, '.');
  std::fprintf(stderr, "\r%s [%s] %3.0f %%", label_.c_str(), bar.c_str(), 100 * part);
}

void ProgressBar::note(const std::string& text) {
  std::fprintf(stderr, "%s%s\n", is_shown_ ? "\r\033[K" : "", text.c_str());
  is_shown_ = false;
}

nemotron::Context load_model(const ModelOptions& options, std::uint32_t flags) {
  const std::string path = local_model_path(options.path);
  ProgressBar progress("loading");
  nemotron::LoadOptions load;
  load.flags = flags | options.flags();
  load.n_threads = options.n_threads;
  load.isa = options.isa;
  load.device = options.device;
  load.cuda_plain_kernels = options.cuda_plain_kernels;
  load.log_level = NEMO_LOG_WARNING;
  load.on_log = [](std::int32_t, std::string_view text) {
    std::fprintf(stderr, "nemotron: %.*s\n", static_cast<int>(text.size()), text.data());
  };
  load.on_progress = [&](std::uint64_t done, std::uint64_t total) {
    progress.update(done, total);
    return true;
  };
  return nemotron::Context::load(path, load);
}

std::string read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, CloseFile> file(path == "-" ? stdin
                                                               : std::fopen(path.c_str(), "rb"));
  if (!file) throw ProgramError(path + ": " + std::strerror(errno));
  std::string out;
  std::array<char, 65536> buffer;
  while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), file.get()))
    out.append(buffer.data(), size);
  if (std::ferror(file.get()) != 0) throw ProgramError(path + ": cannot be read");
  return out;
}

std::vector<std::int32_t> parse_ids(std::string_view text, const std::string& name) {
  constexpr std::string_view kSpaces = " \t\r\n";
  std::vector<std::int32_t> ids;
  while (
      (text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size())), !text.empty())) {
    const std::string_view word = text.substr(0, text.find_first_of(kSpaces));
    const char* end = word.data() + word.size();
    std::int32_t id = 0;
    const auto parsed = std::from_chars(word.data(), end, id);
    if (parsed.ec != std::errc() || parsed.ptr != end)
      throw ProgramError(name + ": '" + std::string(word.substr(0, 40)) + "' is not a token id");
    ids.push_back(id);
    text.remove_prefix(word.size());
  }
  return ids;
}

void write_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw ProgramError("cannot write to standard output");
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text;
}
