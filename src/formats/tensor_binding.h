// Matches the tensors of a file with those that the configuration asks for. Whatever contradicts is
// an error that names the tensor: one missing, one too many, a shape or a type that cannot be.
#pragma once

#include <vector>

#include "base/result.h"
#include "formats/tensor_names.h"
#include "quant/tensor_table.h"

namespace nemotron {

class TensorBinding {
 public:
  // Gives every bound entry of `table` its canonical shape (tensor_names.h). `n_extra_layers`
  // layers behind the last may have tensors, which are passed over. Requires a validated config.
  // kMissingTensor, kConfigMismatch, kUnsupportedType.
  static Result<TensorBinding> bind(const ModelConfig& config, NameStyle style, int n_extra_layers,
                                    TensorTable& table);

  // Index into the table; -1 for a tensor that this layer does not have.
  int find(TensorRole role, int layer = kNoLayer) const;

 private:
  explicit TensorBinding(int n_layers)
      : n_layers_(n_layers), index_(static_cast<std::size_t>(n_layers + 1) * kNumTensorRoles, -1) {}

  int& slot_index(TensorSlot slot);

  int n_layers_;
  std::vector<int> index_;  // [n_layers + 1, kNumTensorRoles]; row 0 is the model's
};

}  // namespace nemotron
