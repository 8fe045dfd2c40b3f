// safetensors: the input is the index (empty: there is none) and then the shards s0.safetensors,
// s1.safetensors, ...; config.json is a fixed one.
#include "model_files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMaxShards = 4;
  const auto parts = fuzz::split(data, size, 1 + kMaxShards);
  std::vector<fuzz::File> files = {{"config.json", fuzz::fixed_file("config.json")}};
  if (!parts[0].empty()) files.push_back({"model.safetensors.index.json", parts[0]});
  for (std::size_t i = 1; i < parts.size(); ++i)
    files.push_back(
        {std::string("s").append(std::to_string(i - 1)).append(".safetensors"), parts[i]});
  fuzz::load_and_use(files);
  return 0;
}
