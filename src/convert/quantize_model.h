// Any model that opens, as a GGUF file of another type.
#pragma once

#include <string>

#include "base/status.h"
#include "convert/convert_pieces.h"

namespace nemotron {

struct QuantizeOptions {
  std::string type = "q4_k_m";  // as parse_file_type, but for fp8
  int n_threads = 0;
  ConvertProgress progress;
};

// Reads the model at `input` (as open_model) piece by piece and writes the file `output`, which has
// llama.cpp's type for each tensor and is the same for any number of threads. Metadata and
// tokenizer come along; from safetensors, weights are laid out as the public converter does it.
// What open_model gives, kInvalidArgument, kBadFile for a weight that is not finite, kFileWrite,
// kCancelled. Nothing is left behind on failure.
Status quantize_model(const std::string& input, const std::string& output,
                      const QuantizeOptions& options);

}  // namespace nemotron
