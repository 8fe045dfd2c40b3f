// Any model that opens, as a GGUF file of another type, or as a folder with safetensors.
#pragma once

#include <string>

#include "base/status.h"
#include "convert/convert_pieces.h"

namespace nemotron {

struct QuantizeOptions {
  std::string type = "q4_k_m";  // as parse_file_type
  int n_threads = 0;
  std::string imatrix_path;    // an importance matrix; empty: none
  std::string tokenizer_path;  // for a folder: where its tokenizer comes from; empty: the model
  ConvertProgress progress;
};

// Reads the model at `input` (as open_model) piece by piece and writes `output`, which is the same
// for any number of threads.
//
// A GGUF file has llama.cpp's type for each tensor, and its bytes. Metadata and tokenizer come
// along; from safetensors, weights are laid out as the public converter does it. An importance
// matrix weighs the errors of each matrix that it knows.
//
// A folder comes of fp8, and of bf16 where `output` ends with '/': safetensors and the small files
// beside them. FP8 has input scales where there is an importance matrix or the model has them;
// otherwise its weights alone are FP8.
//
// What open_model and read_importance_matrix give, kInvalidArgument, kConfigMismatch when the
// importance matrix is of another model, kUnsupportedFormat for a GGUF's tokenizer in a folder,
// kBadFile for a weight that is not finite, kFileWrite, kCancelled. Nothing is left behind on
// failure.
Status quantize_model(const std::string& input, const std::string& output,
                      const QuantizeOptions& options);

}  // namespace nemotron
