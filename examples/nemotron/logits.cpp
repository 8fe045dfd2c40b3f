// nemotron logits: the model's raw output after each token of a given sequence, for comparing with
// other implementations.
#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "options.h"
#include "program.h"

namespace {

static_assert(std::endian::native == std::endian::little, "the output is little-endian f32");

constexpr const char* kFooter =
    R"(Output: raw little-endian f32, [n_tokens][n_vocab], row by row. Computed in f32 throughout (level ref)
unless --isa or --kv say otherwise.
Example:
  nemotron logits model.gguf --tokens ids.txt --output logits.f32)";

struct Options {
  ModelOptions model;
  std::string tokens_path;
  std::string output_path;
  std::uint32_t kv_type = NEMO_KV_F32;
  Options() { model.isa = NEMO_ISA_REF; }  // for comparing: f32 throughout unless asked otherwise
};

// An output file that complains when bytes are lost.
class OutputFile {
 public:
  explicit OutputFile(std::string path) : path_(std::move(path)) {
    file_ = std::fopen(path_.c_str(), "wb");
    if (file_ == nullptr) fail();
  }
  ~OutputFile() {
    if (file_ != nullptr) std::fclose(file_);
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(const std::vector<float>& values, std::size_t count) {
    if (std::fwrite(values.data(), sizeof(float), count, file_) != count) fail();
  }
  void close() {
    if (std::fclose(std::exchange(file_, nullptr)) != 0) fail();
  }

 private:
  [[noreturn]] void fail() const { throw ProgramError(path_ + ": " + std::strerror(errno)); }

  std::string path_;
  std::FILE* file_ = nullptr;
};

void write_logits(const Options& options) {
  const std::vector<std::int32_t> ids =
      parse_ids(read_file(options.tokens_path), options.tokens_path);
  if (ids.empty()) throw ProgramError(options.tokens_path + ": holds no token ids");
  const nemotron::Context context = load_model(options.model);
  nemotron::Session session(context, 0, options.kv_type);
  OutputFile output(options.output_path);

  constexpr std::size_t kMaxBufferBytes = 64 << 20;
  const std::size_t n_vocab = context.model_info().n_vocab;
  const std::size_t max_rows =
      std::clamp<std::size_t>(kMaxBufferBytes / (n_vocab * sizeof(float)), 1, 64);
  std::vector<float> logits(std::min(max_rows, ids.size()) * n_vocab);
  ProgressBar progress("logits");
  for (std::size_t done = 0; done < ids.size();) {
    const std::size_t n_rows = std::min(max_rows, ids.size() - done);
    session.eval(std::span(ids).subspan(done, n_rows), std::span(logits).first(n_rows * n_vocab));
    output.write(logits, n_rows * n_vocab);
    done += n_rows;
    progress.update(done, ids.size());
  }
  output.close();
}

}  // namespace

void add_logits_command(CLI::App& program) {
  const auto options = std::make_shared<Options>();
  CLI::App& command =
      add_command(program, "logits", "Write the logits after each token of a sequence", kFooter,
                  [options] { write_logits(*options); });
  add_model_options(command, options->model, /*has_weights=*/true);
  add_mapped_option(command, options->model);
  add_option(command, "--tokens", &options->tokens_path, "Token ids, separated by white space",
             {.type = "FILE", .is_required = true});
  add_option(command, "--output", &options->output_path, "Receives the logits",
             {.type = "FILE", .is_required = true});
  add_kv_type_option(command, options->kv_type);
}
