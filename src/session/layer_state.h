// The device memory of one sequence: recurrent state of fixed size, and KV blocks of 64 tokens that
// are taken as the sequence grows.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/backend.h"
#include "model/config.h"

namespace nemotron {

class LayerState {
 public:
  // kOutOfMemory.
  static Result<LayerState> create(Backend& backend, const ModelConfig& config, KvType kv_type);

  // Makes room for positions [0, n_tokens). On failure nothing has changed.
  Status reserve(Backend& backend, std::int64_t n_tokens);
  // Gives back the KV blocks behind position n_tokens.
  void trim(std::int64_t n_tokens);
  // The empty sequence.
  void reset(Backend& backend);

  SequenceState view() const;
  std::size_t recurrent_bytes() const { return conv_.size_bytes() + ssm_.size_bytes(); }

  // Bytes of the recurrent state of a sequence, and of one token's keys and values.
  static std::uint64_t recurrent_bytes_of(const ModelConfig& config);
  static std::uint64_t kv_bytes_per_token(const ModelConfig& config, KvType kv_type);

 private:
  DeviceBuffer conv_;  // [n_mamba2_layers, d_conv - 1, conv_dim]
  DeviceBuffer ssm_;   // [n_mamba2_layers, n_ssm_heads, d_state, ssm_head_dim]
  KvLayout kv_layout_;
  std::vector<DeviceBuffer> kv_blocks_;
  std::vector<void*> kv_pointers_;  // data() of kv_blocks_, as kernels want them
};

}  // namespace nemotron
