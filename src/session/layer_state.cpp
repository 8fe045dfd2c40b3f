#include "session/layer_state.h"

#include <utility>

#include "base/checked_math.h"

namespace nemotron {

namespace {

std::uint64_t conv_floats(const ModelConfig& c) {
  return static_cast<std::uint64_t>(c.count(LayerKind::mamba2)) *
         static_cast<std::uint64_t>(c.d_conv - 1) * static_cast<std::uint64_t>(c.conv_dim());
}

std::uint64_t ssm_floats(const ModelConfig& c) {
  return static_cast<std::uint64_t>(c.count(LayerKind::mamba2)) *
         static_cast<std::uint64_t>(c.d_inner()) * static_cast<std::uint64_t>(c.d_state);
}

KvLayout kv_layout_of(const ModelConfig& c, KvType type) {
  return {c.count(LayerKind::attention), c.n_kv_heads, c.head_dim, type};
}

}  // namespace

Result<LayerState> LayerState::create(Backend& backend, const ModelConfig& config, KvType kv_type) {
  LayerState state;
  state.kv_layout_ = kv_layout_of(config, kv_type);
  if (config.has(LayerKind::mamba2)) {
    NEMO_ASSIGN(state.conv_, backend.allocate(conv_floats(config) * sizeof(float)));
    NEMO_ASSIGN(state.ssm_, backend.allocate(ssm_floats(config) * sizeof(float)));
  }
  return state;
}

Status LayerState::reserve(Backend& backend, std::int64_t n_tokens) {
  if (kv_layout_.n_layers == 0) return Status::ok();
  const auto n_blocks = static_cast<std::size_t>(ceil_div(n_tokens, kernels::kKvBlockTokens));
  const std::size_t n_before = kv_blocks_.size();
  if (n_blocks > n_before) kv_pointers_.reserve(n_blocks);
  while (kv_blocks_.size() < n_blocks) {
    Result<DeviceBuffer> block =
        backend.allocate(static_cast<std::size_t>(kv_layout_.block_bytes()));
    if (!block.is_ok()) {
      kv_blocks_.resize(n_before);
      kv_pointers_.resize(n_before);
      return std::move(block).status();
    }
    kv_pointers_.push_back(block->data());
    kv_blocks_.push_back(std::move(block).value());
  }
  return Status::ok();
}

void LayerState::trim(std::int64_t n_tokens) {
  const auto n_blocks = static_cast<std::size_t>(ceil_div(n_tokens, kernels::kKvBlockTokens));
  if (n_blocks >= kv_blocks_.size()) return;
  kv_blocks_.resize(n_blocks);
  kv_pointers_.resize(n_blocks);
}

void LayerState::reset(Backend& backend) {
  if (conv_.size_bytes() != 0) backend.zero(conv_);
  if (ssm_.size_bytes() != 0) backend.zero(ssm_);
  trim(0);
}

SequenceState LayerState::view() const {
  return {conv_.floats(), conv_.floats(), ssm_.floats(), ssm_.floats(), kv_pointers_, kv_layout_};
}

std::uint64_t LayerState::recurrent_bytes_of(const ModelConfig& config) {
  return (conv_floats(config) + ssm_floats(config)) * sizeof(float);
}

std::uint64_t LayerState::kv_bytes_per_token(const ModelConfig& config, KvType kv_type) {
  return static_cast<std::uint64_t>(kv_layout_of(config, kv_type).block_bytes() /
                                    kernels::kKvBlockTokens);
}

}  // namespace nemotron
