// nemotron quantize: a model as a GGUF file of another type, or as a folder with safetensors.
#include <memory>

#include "conversion.h"
#include "hub_model.h"
#include "options.h"
#include "program.h"

namespace {

constexpr const char* kFooter =
    R"(Types: q2_k q3_k_s q3_k_m q3_k_l q4_0 q4_1 q4_k_s q4_k_m q5_0 q5_1 q5_k_s q5_k_m
q6_k q8_0 iq4_nl iq4_xs f32 f16 bf16: a GGUF file. nemo4: a GGUF file with 4.6 bits for
each weight that a token reads, in types chosen by measured error. fp8: a folder with safetensors in
ModelOpt's layout, with scales for the inputs where --imatrix tells how large they are.
bf16 makes such a folder if OUT ends with /.
Examples:
  nemotron quantize NVIDIA-Nemotron-3-Nano-4B-BF16 nano-4b-q4_k_m.gguf --type q4_k_m
  nemotron quantize NVIDIA-Nemotron-3-Nano-4B-BF16 nano-4b-fp8 --type fp8 --imatrix FILE)";

struct Options {
  std::string input_path;
  std::string output_path;
  std::string type = "q4_k_m";
  std::string imatrix_path;
  std::string tokenizer_path;
  std::uint32_t n_threads = 0;
};

void quantize(const Options& options) {
  const std::string input_path = local_model_path(options.input_path);
  Conversion conversion("quantizing");
  nemo_quantize_options c_options = NEMO_QUANTIZE_OPTIONS_INIT;
  c_options.n_threads = options.n_threads;
  c_options.type = options.type.c_str();
  if (!options.imatrix_path.empty()) c_options.imatrix_path = options.imatrix_path.c_str();
  if (!options.tokenizer_path.empty()) c_options.tokenizer_path = options.tokenizer_path.c_str();
  c_options.on_progress = Conversion::on_progress;
  c_options.progress_user = &conversion;
  nemo_error error = NEMO_ERROR_INIT;
  if (nemo_model_quantize(input_path.c_str(), options.output_path.c_str(), &c_options, &error) !=
      NEMO_OK)
    throw nemotron::Error(error);
  conversion.print_summary(options.output_path);
}

}  // namespace

void add_quantize_command(CLI::App& program) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = add_command(program, "quantize", "Write a model as a file of another type",
                                  kFooter, [options] { quantize(*options); });
  add_option(command, "IN", &options->input_path,
             "A .gguf or .safetensors file, a folder that holds either, or hf:ORG/NAME[:FILE]",
             {.is_required = true});
  add_option(command, "OUT", &options->output_path, "The .gguf file or the folder to write",
             {.is_required = true});
  add_option(command, "--type", &options->type, "One of the types below (default: q4_k_m)",
             {.type = "TYPE"});
  add_option(command, "--imatrix", &options->imatrix_path,
             "Importance matrix, as nemotron imatrix and llama.cpp write it", {.type = "FILE"});
  add_option(command, "--tokenizer", &options->tokenizer_path,
             "For a folder made of a GGUF: a folder with tokenizer.json", {.type = "PATH"});
  add_threads_option(command, options->n_threads);
}
