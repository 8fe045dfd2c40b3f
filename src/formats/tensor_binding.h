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
  // The same for the scale of a matrix: one F32.
  int find_scale(ScaleKind kind, TensorRole role, int layer = kNoLayer) const;
  // Scales of an FP8 key-value cache that were passed over.
  int n_kv_scales() const { return n_kv_scales_; }

 private:
  explicit TensorBinding(int n_layers) : n_layers_(n_layers) {
    for (auto* index : {&index_, &scale_index_[0], &scale_index_[1]})
      index->assign(static_cast<std::size_t>(n_layers + 1) * kNumTensorRoles, -1);
  }

  static std::size_t place(TensorSlot slot);
  Status add_tensor(const ModelConfig& config, NameStyle style, int n_extra_layers,
                    TensorTable& table, std::size_t i);
  Status add_scale(ScaleSlot scale, const TensorTable& table, std::size_t i);
  Status check_present(const ModelConfig& config, NameStyle style) const;
  Status check_scales(const ModelConfig& config, NameStyle style, const TensorTable& table) const;
  Status check_scale(TensorSlot slot, NameStyle style, const TensorTable& table) const;

  int n_layers_;
  std::vector<int> index_;           // [n_layers + 1, kNumTensorRoles]; row 0 is the model's
  std::vector<int> scale_index_[2];  // the same for each ScaleKind
  int n_kv_scales_ = 0;
};

}  // namespace nemotron
