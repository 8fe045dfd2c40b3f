// nemotron imatrix: what of a model's inputs matters, for quantizing it.
#include <memory>

#include "conversion.h"
#include "hub_model.h"
#include "options.h"
#include "program.h"

namespace {

constexpr const char* kFooter =
    R"(Use a text like those that the model will meet, some 50,000 words of it.
Example:
  nemotron imatrix NVIDIA-Nemotron-3-Nano-4B-BF16 calibration.txt -o nano-4b.imatrix.gguf
  nemotron quantize NVIDIA-Nemotron-3-Nano-4B-BF16 nano-4b-q4_k_m.gguf --type q4_k_m \
      --imatrix nano-4b.imatrix.gguf)";

struct Options {
  ModelOptions model;
  std::string text_path;
  std::string output_path;
  std::uint32_t chunk_tokens = 0;
  std::uint32_t max_chunks = 0;
};

void make_imatrix(const Options& options) {
  const std::string model_path = local_model_path(options.model.path);
  Conversion conversion("reading");
  nemo_imatrix_options c_options = NEMO_IMATRIX_OPTIONS_INIT;
  c_options.n_threads = options.model.n_threads;
  c_options.isa = options.model.isa;
  c_options.chunk_tokens = options.chunk_tokens;
  c_options.max_chunks = options.max_chunks;
  c_options.on_progress = Conversion::on_progress;
  c_options.progress_user = &conversion;
  nemo_error error = NEMO_ERROR_INIT;
  if (nemo_model_imatrix(model_path.c_str(), options.text_path.c_str(), options.output_path.c_str(),
                         &c_options, &error) != NEMO_OK)
    throw nemotron::Error(error);
  conversion.print_token_summary(options.output_path);
}

}  // namespace

void add_imatrix_command(CLI::App& program) {
  const auto options = std::make_shared<Options>();
  CLI::App& command =
      add_command(program, "imatrix", "Compute an importance matrix from a text, for quantize",
                  kFooter, [options] { make_imatrix(*options); });
  add_model_options(command, options->model, /*has_weights=*/true);
  add_option(command, "TEXT", &options->text_path, "A text file", {.is_required = true});
  add_option(command, "-o,--output", &options->output_path, "The .gguf file to write",
             {.type = "FILE", .is_required = true});
  add_option(command, "--chunk", &options->chunk_tokens, "Tokens of each sequence (default: 512)",
             {.type = "N"});
  add_option(command, "--max-chunks", &options->max_chunks,
             "Sequences to compute (default: the whole text)", {.type = "N"});
}
