#include "model/activations.h"

#include <algorithm>
#include <utility>

#include "base/checked_math.h"

namespace nemotron {

namespace {
constexpr std::size_t kPartAlignment = 64;
}

class Activations::Carver {
 public:
  Carver(const BackendMemory& memory, std::int64_t n_rows, std::byte* arena)
      : memory_(memory), n_rows_(n_rows), arena_(arena) {}

  Part floats(std::int64_t n_columns) { return floats(n_columns, n_rows_); }
  Part floats(std::int64_t n_columns, std::int64_t n_rows) {
    return take(n_columns, static_cast<std::size_t>(n_rows * n_columns) * sizeof(float));
  }
  Part activation(std::int64_t n_columns) {
    return take(n_columns, memory_.activation_bytes(n_rows_, n_columns));
  }

  Part carry(std::int64_t n_heads, std::int64_t head_dim) {
    return take(2 * n_heads, memory_.attention_bytes(n_rows_, n_heads, head_dim));
  }

  std::size_t used_bytes() const { return used_bytes_; }
  void rewind_to(std::size_t used_bytes) { used_bytes_ = used_bytes; }

 private:
  Part take(std::int64_t n_columns, std::size_t size_bytes) {
    const Part part{arena_ == nullptr ? nullptr : arena_ + used_bytes_, n_columns};
    used_bytes_ += round_up(size_bytes, kPartAlignment);
    return part;
  }

  const BackendMemory& memory_;
  std::int64_t n_rows_;
  std::byte* arena_;
  std::size_t used_bytes_ = 0;
};

Activations::Layout Activations::carve(const BackendMemory& memory, const ModelConfig& config,
                                       std::int64_t max_rows, std::byte* arena) {
  Carver carver(memory, std::max(max_rows, kMaxLogitRows), arena);
  Layout parts;
  parts.hidden = carver.floats(config.d_model);
  parts.normed = carver.activation(config.d_model);
  parts.mixed = carver.floats(config.d_model);
  const std::size_t shared = carver.used_bytes();
  // Each kind of layer begins at the same place: only one is alive at a time.
  parts.zxBCdt = carver.floats(config.in_proj_rows());
  parts.xBC = carver.floats(config.conv_dim());
  parts.y = carver.floats(config.d_inner());
  parts.gated = carver.activation(config.d_inner());
  parts.size_bytes = carver.used_bytes();
  carver.rewind_to(shared);
  parts.q = carver.floats(config.q_dim());
  parts.k = carver.floats(config.kv_dim());
  parts.v = carver.floats(config.kv_dim());
  parts.carry = carver.carry(config.n_heads, config.head_dim);
  parts.attended = carver.activation(config.q_dim());
  parts.size_bytes = std::max(parts.size_bytes, carver.used_bytes());
  carver.rewind_to(shared);
  parts.up = carver.floats(config.d_ff);
  parts.relu2 = carver.activation(config.d_ff);
  parts.size_bytes = std::max(parts.size_bytes, carver.used_bytes());
  carver.rewind_to(shared);
  parts.logits = carver.floats(config.n_vocab, kMaxLogitRows);
  parts.size_bytes = std::max(parts.size_bytes, carver.used_bytes());
  return parts;
}

std::size_t Activations::bytes_for(const BackendMemory& memory, const ModelConfig& config,
                                   std::int64_t max_rows) {
  return carve(memory, config, max_rows, nullptr).size_bytes;
}

Result<Activations> Activations::create(Backend& backend, const ModelConfig& config,
                                        std::int64_t max_rows) {
  Activations activations;
  activations.max_rows_ = max_rows;
  NEMO_ASSIGN(activations.arena_, backend.allocate(bytes_for(backend.memory(), config, max_rows)));
  activations.parts_ =
      carve(backend.memory(), config, max_rows, static_cast<std::byte*>(activations.arena_.data()));
  return activations;
}

TensorView Activations::Part::view(std::int64_t n_rows) const {
  return {reinterpret_cast<float*>(data), n_rows, n_columns, n_columns};
}

Activation Activations::Part::activation(std::int64_t n_rows) const {
  return {data, n_rows, n_columns};
}

TensorView Activations::hidden(std::int64_t n_rows) const { return parts_.hidden.view(n_rows); }
Activation Activations::normed(std::int64_t n_rows) const {
  return parts_.normed.activation(n_rows);
}
TensorView Activations::mixed(std::int64_t n_rows) const { return parts_.mixed.view(n_rows); }
TensorView Activations::logits(std::int64_t n_rows) const { return parts_.logits.view(n_rows); }

Mamba2Activations Activations::mamba2(std::int64_t n_rows) const {
  return {parts_.zxBCdt.view(n_rows), parts_.xBC.view(n_rows), parts_.y.view(n_rows),
          parts_.gated.activation(n_rows)};
}

AttentionActivations Activations::attention(std::int64_t n_rows) const {
  return {parts_.q.view(n_rows), parts_.k.view(n_rows), parts_.v.view(n_rows),
          parts_.carry.view(n_rows), parts_.attended.activation(n_rows)};
}

MlpActivations Activations::mlp(std::int64_t n_rows) const {
  return {parts_.up.view(n_rows), parts_.relu2.activation(n_rows)};
}

}  // namespace nemotron
