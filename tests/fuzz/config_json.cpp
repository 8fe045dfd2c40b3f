// The configuration of a safetensors model: the input is config.json, then generation_config.json
// and hf_quant_config.json; the weights are a fixed file.
#include "model_files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr const char* kNames[] = {"config.json", "generation_config.json",
                                    "hf_quant_config.json"};
  const auto parts = fuzz::split(data, size, std::size(kNames));
  std::vector<fuzz::File> files = {{"model.safetensors", fuzz::fixed_file("model.safetensors")}};
  for (std::size_t i = 0; i < parts.size(); ++i) files.push_back({kNames[i], parts[i]});
  fuzz::load_and_use(files);
  return 0;
}
