// The tokenizer of a safetensors model: the input is tokenizer.json, then tokenizer_config.json and
// chat_template.jinja; the model is a fixed one with room for 300 tokens.
#include "model_files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr const char* kNames[] = {"tokenizer.json", "tokenizer_config.json",
                                    "chat_template.jinja"};
  const auto parts = fuzz::split(data, size, std::size(kNames));
  std::vector<fuzz::File> files = {
      {"model.safetensors", fuzz::fixed_file("tokenizer_model.safetensors")},
      {"config.json", fuzz::fixed_file("tokenizer_model_config.json")}};
  for (std::size_t i = 0; i < parts.size(); ++i) files.push_back({kNames[i], parts[i]});
  fuzz::load_and_use(files);
  return 0;
}
