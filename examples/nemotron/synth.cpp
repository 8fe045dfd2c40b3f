// nemotron synth: a model with random weights, for measuring.
#include <cstdio>
#include <memory>

#include "conversion.h"
#include "hub_model.h"
#include "options.h"
#include "program.h"

namespace {

constexpr const char* kFooter =
    R"(The weights are random: the model has the size and the speed of the real one, and
makes no sense. bf16 and fp8 write a folder with safetensors, the other types a GGUF file.
Example:
  nemotron synth --shape 4b --type q4_k_m -o random-4b.gguf)";

struct Options {
  std::string shape = "4b";
  std::string type = "q4_k_m";
  std::string output_path;
  std::string tokenizer_path;
  std::uint64_t seed = 0;
  std::uint32_t n_threads = 0;
};

void synthesize(const Options& options) {
  const std::string tokenizer_path = local_model_path(options.tokenizer_path);
  Conversion conversion("writing");
  nemo_synthesize_options c_options = NEMO_SYNTHESIZE_OPTIONS_INIT;
  c_options.n_threads = options.n_threads;
  c_options.seed = options.seed;
  c_options.shape = options.shape.c_str();
  c_options.type = options.type.c_str();
  if (!tokenizer_path.empty()) c_options.tokenizer_path = tokenizer_path.c_str();
  c_options.on_progress = Conversion::on_progress;
  c_options.progress_user = &conversion;
  nemo_error error = NEMO_ERROR_INIT;
  if (nemo_model_synthesize(options.output_path.c_str(), &c_options, &error) != NEMO_OK)
    throw nemotron::Error(error);
  conversion.print_summary(options.output_path);
}

}  // namespace

void add_synth_command(CLI::App& program) {
  const auto options = std::make_shared<Options>();
  CLI::App& command =
      add_command(program, "synth", "Write a model with random weights, for measuring", kFooter,
                  [options] { synthesize(*options); });
  add_option(command, "--shape", &options->shape, "4b, 9b-v2, 12b-v2, h-8b or tiny (default: 4b)",
             {.type = "SHAPE"});
  add_option(command, "--type", &options->type, "q4_k_m, q8_0, q4_0, bf16 or fp8 (default: q4_k_m)",
             {.type = "TYPE"});
  add_option(command, "--seed", &options->seed, "Other weights of the same kind", {.type = "N"});
  add_option(command, "-o,--output", &options->output_path, "File or folder to write",
             {.type = "PATH", .is_required = true});
  add_option(command, "--tokenizer", &options->tokenizer_path,
             "Folder with tokenizer.json, or a .gguf file, to take the tokenizer from",
             {.type = "PATH"});
  add_threads_option(command, options->n_threads);
}
