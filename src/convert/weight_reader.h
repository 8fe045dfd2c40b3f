// Weights of an opened model as floats, in the form that the file to write has: scales of FP8
// applied; for GGUF A and rows of q and k permuted as the public converter does it, for safetensors
// A_log and rows as they were trained, whichever the model came from.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "formats/model_file.h"
#include "formats/tensor_names.h"

namespace nemotron {

class WeightReader {
 public:
  // `file` must outlive the reader.
  WeightReader(const ModelFile& file, NameStyle style)
      : file_(file), changes_style_(file.stores_A_log() != (style == NameStyle::huggingface)) {}

  // Elements [first_element, first_element + out.size()) of the tensor in this role, whole rows.
  // kBadFile when one is not finite. Thread-safe, with a `scratch` to each thread.
  Status read(TensorSlot slot, std::uint64_t first_element, std::span<float> out,
              std::vector<std::byte>& scratch) const;

 private:
  Status read_stored(const TensorEntry& entry, std::uint64_t first_element, std::span<float> out,
                     std::vector<std::byte>& scratch) const;
  Status read_permuted(const TensorEntry& entry, std::uint64_t first_row, std::span<float> out,
                       std::vector<std::byte>& scratch) const;

  const ModelFile& file_;
  bool changes_style_;
};

}  // namespace nemotron
