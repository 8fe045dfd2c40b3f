#include "engine/layer_state.h"

#include <algorithm>
#include <utility>

#include "base/checked_math.h"
#include "base/text.h"

namespace nemotron {

namespace {

constexpr std::size_t kPartAlignment = 64;
constexpr std::uint64_t kUnknownMoves = ~std::uint64_t{0};

std::size_t conv_bytes_of(const ModelConfig& c) {
  return round_up(static_cast<std::size_t>(c.count(LayerKind::mamba2)) *
                      static_cast<std::size_t>((c.d_conv - 1) * c.conv_dim()) * sizeof(float),
                  kPartAlignment);
}

std::size_t ssm_bytes_of(const ModelConfig& c, StateType type) {
  return static_cast<std::size_t>(c.count(LayerKind::mamba2)) *
         static_cast<std::size_t>(c.d_inner() * c.d_state) * state_element_bytes(type);
}

KvLayout kv_layout_of(const ModelConfig& c, KvType type) {
  return {c.count(LayerKind::attention), c.n_kv_heads, c.head_dim, type};
}

Status check_kv_type(const ModelConfig& c, KvType type) {
  const bool has_groups =
      !c.has(LayerKind::attention) || c.head_dim % kernels::kKvScaleChannels == 0;
  if (type != KvType::kQ8 || has_groups) return Status::ok();
  return {StatusCode::kInvalidArgument,
          join("keys and values in q8 need heads of a multiple of ", kernels::kKvScaleChannels,
               " elements; this model's have ", c.head_dim)};
}

std::size_t blocks_for(std::int64_t n_tokens) {
  return static_cast<std::size_t>(ceil_div(n_tokens, kernels::kKvBlockTokens));
}

}  // namespace

Result<StateLayout> StateLayout::measure(const ModelConfig& config, KvType kv_type,
                                         StateType state_type) {
  NEMO_TRY(check_kv_type(config, kv_type));
  StateLayout layout;
  layout.kv = kv_layout_of(config, kv_type);
  layout.state_type = state_type;
  if (config.has(LayerKind::mamba2)) {
    layout.conv_bytes = conv_bytes_of(config);
    layout.ssm_bytes = ssm_bytes_of(config, state_type);
  }
  return layout;
}

Result<StateLayout> StateLayout::create(Backend& backend, const ModelConfig& config, KvType kv_type,
                                        StateType state_type) {
  NEMO_ASSIGN(StateLayout layout, measure(config, kv_type, state_type));
  NEMO_ASSIGN(layout.zeros, backend.allocate(layout.recurrent_bytes()));
  return layout;
}

std::uint64_t StateLayout::kv_bytes(std::int64_t n_tokens) const {
  return std::uint64_t{blocks_for(n_tokens)} * static_cast<std::uint64_t>(kv.block_bytes());
}

LayerState::LayerState(const StateLayout& layout, std::int64_t position, StateRef recurrent,
                       std::vector<StateRef> kv_blocks)
    : layout_(&layout),
      position_(position),
      recurrent_(std::move(recurrent)),
      kv_blocks_(std::move(kv_blocks)),
      kv_pointers_(kv_blocks_.size()),
      n_moves_(kUnknownMoves) {}

const void* LayerState::recurrent_data() const {
  return recurrent_ ? recurrent_.data() : layout_->zeros.data();
}

Status LayerState::bring_back(StatePool& pool) {
  if (n_moves_ == pool.n_moves()) return Status::ok();
  NEMO_TRY(pool.bring_back(recurrent_));
  for (std::size_t b = 0; b < kv_blocks_.size(); ++b) {
    NEMO_TRY(pool.bring_back(kv_blocks_[b]));
    kv_pointers_[b] = kv_blocks_[b].data();
  }
  n_moves_ = pool.n_moves();
  return Status::ok();
}

void LayerState::drop_reserve() {
  const std::size_t n = std::min(kv_blocks_.size(), blocks_for(position_));
  kv_blocks_.resize(n);
  kv_pointers_.resize(n);
}

Status LayerState::reserve(Backend& backend, StatePool& pool, std::int64_t n_tokens) {
  NEMO_TRY(bring_back(pool));
  if (layout_->kv.n_layers == 0) return Status::ok();
  const std::size_t n_before = kv_blocks_.size();
  const std::size_t n_blocks = blocks_for(position_ + n_tokens);
  const auto block_bytes = static_cast<std::size_t>(layout_->kv.block_bytes());
  const auto last = static_cast<std::size_t>(position_ / kernels::kKvBlockTokens);
  if (n_blocks > std::min(kv_blocks_.capacity(), kv_pointers_.capacity())) {
    kv_blocks_.reserve(n_blocks + n_blocks / 4);
    kv_pointers_.reserve(n_blocks + n_blocks / 4);
  }
  const auto undo = [&](Status status) {
    kv_blocks_.resize(n_before);
    kv_pointers_.resize(n_before);
    return status;
  };
  while (kv_blocks_.size() < n_blocks) {
    Result<StateRef> block = pool.take(block_bytes);
    if (!block.is_ok()) return undo(std::move(block).status());
    kv_pointers_.push_back(block->data());
    kv_blocks_.push_back(std::move(block).value());
  }
  if (last < n_before && kv_blocks_[last].is_shared()) {  // copied before it is written
    Result<StateRef> own = pool.take(block_bytes);
    if (!own.is_ok()) return undo(std::move(own).status());
    if (position_ % kernels::kKvBlockTokens != 0)
      backend.copy(own->data(), kv_blocks_[last].data(), block_bytes);
    kv_pointers_[last] = own->data();
    kv_blocks_[last] = std::move(own).value();
  }
  return Status::ok();
}

Result<LayerState::Extension> LayerState::extend(Backend& backend, StatePool& pool,
                                                 std::int64_t n_tokens, bool keeps_undo) {
  NEMO_TRY(reserve(backend, pool, n_tokens));
  const bool is_own = layout_->recurrent_bytes() == 0 || (recurrent_ && !recurrent_.is_shared());
  StateRef output = keeps_undo ? undo_ : recurrent_;
  if (!is_own && !keeps_undo) {
    NEMO_ASSIGN(output, pool.take(layout_->recurrent_bytes()));
  }
  const auto* in = static_cast<const std::byte*>(recurrent_data());
  auto* out = static_cast<std::byte*>(output.data());
  Extension extension;
  extension.view.conv_in = reinterpret_cast<const float*>(in);
  extension.view.conv_out = reinterpret_cast<float*>(out);
  extension.view.ssm_in = in + layout_->conv_bytes;
  extension.view.ssm_out = out + layout_->conv_bytes;
  extension.view.state_type = layout_->state_type;
  extension.view.kv_blocks = kv_pointers_;
  extension.view.kv_layout = layout_->kv;
  extension.input = std::exchange(recurrent_, std::move(output));
  if (keeps_undo) undo_ = extension.input;
  position_ += n_tokens;
  return extension;
}

void LayerState::undo() {
  std::swap(recurrent_, undo_);
  --position_;
}

bool LayerState::make_room_for_undo(StatePool& pool) {
  if (has_room_for_undo()) return true;
  Result<StateRef> room = pool.take(layout_->recurrent_bytes());
  if (!room.is_ok()) return false;
  undo_ = std::move(room).value();
  return true;
}

LayerState LayerState::snapshot() const {
  const std::size_t n = std::min(kv_blocks_.size(), blocks_for(position_));
  const auto end = kv_blocks_.begin() + static_cast<std::ptrdiff_t>(n);
  return {*layout_, position_, recurrent_, {kv_blocks_.begin(), end}};
}

std::uint64_t LayerState::recurrent_bytes_of(const ModelConfig& config, StateType state_type) {
  if (!config.has(LayerKind::mamba2)) return 0;
  return conv_bytes_of(config) + ssm_bytes_of(config, state_type);
}

std::uint64_t LayerState::kv_bytes_per_token(const ModelConfig& config, KvType kv_type) {
  return static_cast<std::uint64_t>(kv_layout_of(config, kv_type).block_bytes() /
                                    kernels::kKvBlockTokens);
}

}  // namespace nemotron
