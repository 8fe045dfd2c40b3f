// What the subcommands share: loading a model with a progress bar, files, and numbers in words.
// Standard output carries results only; everything about them goes to standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <nemotron/nemotron.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

// A failure that is not the library's: a file that cannot be read, input that makes no sense.
class ProgramError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A line on standard error that shows how far something is, where that is a terminal and the thing
// lasts longer than a second. The line disappears at the end.
class ProgressBar {
 public:
  explicit ProgressBar(std::string label);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(std::uint64_t done, std::uint64_t total);
  // A line of its own on standard error, above the bar.
  void note(const std::string& text);

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  bool is_terminal_;
  bool is_shown_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
};

struct ModelOptions {
  std::string path;
  std::uint32_t n_threads = 0;
  std::uint32_t isa = NEMO_ISA_AUTO;
  std::uint32_t device = NEMO_DEVICE_CPU;
  std::uint32_t cuda_plain_kernels = 0;
  bool is_mapped = false;
  bool has_llama3_split = false;

  std::uint32_t flags() const {
    std::uint32_t flags = 0;
    if (is_mapped) flags |= NEMO_LOAD_MAPPED;
    if (has_llama3_split) flags |= NEMO_LOAD_LLAMA3_SPLIT;
    return flags;
  }
};

void add_threads_option(CLI::App& command, std::uint32_t& n_threads);
// MODEL, --threads, --isa and --device; without weights there is nothing to compute and only MODEL.
void add_model_options(CLI::App& command, ModelOptions& options, bool has_weights);
std::string names_of_kernels(std::uint32_t plain_kernels);  // "attention,scan", as --cuda-plain
// --mapped, for commands that load_model().
void add_mapped_option(CLI::App& command, ModelOptions& options);
// --llama3-split, for commands that tokenize.
void add_split_option(CLI::App& command, ModelOptions& options);
nemotron::Context load_model(const ModelOptions& options, std::uint32_t flags = 0);

void add_kv_type_option(CLI::App& command, std::uint32_t& kv_type);

// A file's bytes; "-" is standard input.
std::string read_file(const std::string& path);
// Whitespace-separated token ids.
std::vector<std::int32_t> parse_ids(std::string_view text, const std::string& name);

void write_out(std::string_view text);          // to standard output, at once
std::string format_bytes(std::uint64_t bytes);  // "2.5 MiB"

// The subcommands: each adds itself to the program and runs when it was chosen.
void add_run_command(CLI::App& program);
void add_inspect_command(CLI::App& program);
void add_tokenize_command(CLI::App& program);
void add_logits_command(CLI::App& program);
void add_bench_command(CLI::App& program);
void add_synth_command(CLI::App& program);
void add_quantize_command(CLI::App& program);
void add_imatrix_command(CLI::App& program);
void add_pull_command(CLI::App& program);
void add_devices_command(CLI::App& program);
