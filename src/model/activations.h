// The intermediate results of one step, sized once for the longest step. Named as the paper and the
// layers name them; all kinds of layers share one arena, since only one runs at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/backend.h"
#include "model/config.h"

namespace nemotron {

// Rows of logits that are computed at once when every row is asked for.
inline constexpr std::int64_t kMaxLogitRows = 8;

struct Mamba2Activations {
  TensorView zxBCdt;  // [rows, in_proj_rows]: z, xBC, dt in this order
  TensorView xBC;     // [rows, conv_dim], after convolution and silu
  TensorView y;       // [rows, d_inner]
  Activation gated;   // [rows, d_inner]
};

struct AttentionActivations {
  TensorView q;         // [rows, q_dim]
  TensorView k;         // [rows, kv_dim]
  TensorView v;         // [rows, kv_dim]
  TensorView carry;     // [rows, n_heads * 2], or more: see BackendMemory::attention_bytes()
  Activation attended;  // [rows, q_dim]
};

struct MlpActivations {
  TensorView up;     // [rows, d_ff]
  Activation relu2;  // [rows, d_ff]
};

class Activations {
 public:
  // kOutOfMemory.
  static Result<Activations> create(Backend& backend, const ModelConfig& config,
                                    std::int64_t max_rows);

  // What create() allocates.
  static std::size_t bytes_for(const BackendMemory& memory, const ModelConfig& config,
                               std::int64_t max_rows);

  std::int64_t max_rows() const { return max_rows_; }
  std::size_t size_bytes() const { return arena_.size_bytes(); }

  // Views of the first n_rows rows; n_rows <= max_rows.
  TensorView hidden(std::int64_t n_rows) const;  // the residual stream, [n_rows, d_model]
  Activation normed(std::int64_t n_rows) const;  // [n_rows, d_model]
  TensorView mixed(std::int64_t n_rows) const;   // a mixer's output, [n_rows, d_model]
  Mamba2Activations mamba2(std::int64_t n_rows) const;
  AttentionActivations attention(std::int64_t n_rows) const;
  MlpActivations mlp(std::int64_t n_rows) const;
  TensorView logits(std::int64_t n_rows) const;  // [n_rows <= kMaxLogitRows, n_vocab]

 private:
  // Hands out consecutive parts of the arena, or only measures it while there is none.
  class Carver;
  struct Layout;
  static Layout carve(const BackendMemory& memory, const ModelConfig& config, std::int64_t max_rows,
                      std::byte* arena);

  struct Part {
    std::byte* data = nullptr;
    std::int64_t n_columns = 0;
    TensorView view(std::int64_t n_rows) const;
    Activation activation(std::int64_t n_rows) const;
  };
  struct Layout {
    Part hidden, normed, mixed, zxBCdt, xBC, y, gated, q, k, v, carry, attended, up, relu2, logits;
    std::size_t size_bytes = 0;
  };

  DeviceBuffer arena_;
  Layout parts_;
  std::int64_t max_rows_ = 0;
};

}  // namespace nemotron
