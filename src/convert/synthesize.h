// Models with random weights and the true shapes and types of published files: for measuring speed
// and memory, not for text.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "convert/convert_pieces.h"

namespace nemotron {

struct SynthesizeOptions {
  std::string shape = "4b";     // as model_shape
  std::string type = "q4_k_m";  // q4_k_m, q8_0, q4_0: GGUF; bf16, fp8: a folder with safetensors
  std::uint64_t seed = 0;
  std::string tokenizer_path;  // where to take a tokenizer from; empty: the model has none
  int n_threads = 0;
  ShardLimits shard_limits;
  ConvertProgress progress;
};

// Writes a file or folder `path`, which is the same for any number of threads. kInvalidArgument,
// kFileWrite, kCancelled, and what reading the tokenizer gives. Nothing is left behind on failure.
Status synthesize(const std::string& path, const SynthesizeOptions& options);

}  // namespace nemotron
