// nemotron tokenize: text to token ids and back.
#include <memory>

#include "options.h"
#include "program.h"

namespace {

constexpr const char* kFooter = R"(Examples:
  echo -n "Hello world" | nemotron tokenize model.gguf
  echo "22177 4304" | nemotron tokenize model.gguf --decode
  echo -n "<|im_end|>" | nemotron tokenize model.gguf --special     one control token)";

struct Options {
  ModelOptions model;
  bool decode = false;
  bool parse_special = false;
};

void tokenize(const Options& options) {
  const nemotron::Context context = load_model(options.model, NEMO_LOAD_NO_WEIGHTS);
  const std::string input = read_file("-");
  if (options.decode) {
    write_out(context.detokenize(parse_ids(input, "standard input")));
    return;
  }
  std::string out;
  for (const std::int32_t id : context.tokenize(input, options.parse_special)) {
    if (!out.empty()) out += ' ';
    out += std::to_string(id);
  }
  write_out(out + "\n");
}

}  // namespace

void add_tokenize_command(CLI::App& program) {
  const auto options = std::make_shared<Options>();
  CLI::App& command =
      add_command(program, "tokenize", "Read text from standard input, write its token ids",
                  kFooter, [options] { tokenize(*options); });
  add_model_options(command, options->model, /*has_weights=*/false);
  add_split_option(command, options->model);
  add_flag(command, "--decode", options->decode, "Read ids, write the text they stand for");
  add_flag(command, "--special", options->parse_special,
           "Let text such as <|im_end|> become the control token");
}
