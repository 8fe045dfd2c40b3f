// The canonical tensors of a Nemotron-H model, and what each is called in the two kinds of file.
// Nothing here reads a file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"

namespace nemotron {

enum class TensorRole : std::uint8_t {
  // Of the model; layer is kNoLayer.
  token_embedding,  // [n_vocab, d_model]
  final_norm,       // [d_model]
  output,           // [n_vocab, d_model]
  // Of every layer.
  norm,  // [d_model]
  // Of a Mamba-2 layer.
  in_proj,      // [in_proj_rows, d_model]: z, x, B, C, dt
  conv_weight,  // [conv_dim, d_conv], oldest tap first
  conv_bias,    // [conv_dim]
  dt_bias,      // [n_ssm_heads]
  A,            // [n_ssm_heads]: A_log in safetensors, A = -exp(A_log) in GGUF
  D,            // [n_ssm_heads]
  gated_norm,   // [d_inner]
  out_proj,     // [d_model, d_inner]
  // Of an attention layer. GGUF permutes the rows of q and k inside each head, both alike.
  q_proj,  // [q_dim, d_model]
  k_proj,  // [kv_dim, d_model]
  v_proj,  // [kv_dim, d_model]
  o_proj,  // [d_model, q_dim]
  // Of an MLP layer.
  up_proj,    // [d_ff, d_model]
  down_proj,  // [d_model, d_ff]
};
constexpr int kNumTensorRoles = 18;
constexpr int kNoLayer = -1;

enum class NameStyle : std::uint8_t { huggingface, gguf };

struct TensorSlot {
  TensorRole role;
  int layer;  // kNoLayer for a tensor of the model

  friend bool operator==(const TensorSlot&, const TensorSlot&) = default;
};

// Which tensor a name in a file means; nothing for a name that is not ours. Accepts the prefixes
// backbone. and model., and language_model. before them.
std::optional<TensorSlot> parse_tensor_name(NameStyle style, std::string_view name);

// What a quantised file says beside a matrix, as one number. `value = stored * weight`; the inputs
// of an FP8 product are rounded to E4M3 as multiples of `input`.
enum class ScaleKind : std::uint8_t { weight, input };

struct ScaleSlot {
  TensorSlot matrix;
  ScaleKind kind;
};

// "...up_proj.weight_scale" (safetensors) and "...ffn_up.scale" (GGUF), and both with input_scale.
std::optional<ScaleSlot> parse_scale_name(NameStyle style, std::string_view name);
// Scales of an FP8 key-value cache, which we do not keep: k_scale and v_scale.
bool is_kv_scale(std::string_view name);

// The name as published files spell it.
std::string tensor_name(NameStyle style, TensorSlot slot);

// Tensors that may lie in a file of ours and are not needed: multi-token prediction, rope tables.
bool is_ignorable_tensor(std::string_view name);

std::span<const TensorRole> model_roles();
std::span<const TensorRole> layer_roles(LayerKind kind);
// Every tensor that a model of this configuration has: its own, then layer by layer. With a tied
// output the embedding is listed once.
std::vector<TensorSlot> all_slots(const ModelConfig& config);
// The kind of layer that has this tensor; nothing for `norm` and the tensors of the model.
std::optional<LayerKind> layer_kind_of(TensorRole role);

// The shape that the configuration asks for, as in the comments of TensorRole.
std::vector<std::uint64_t> tensor_shape(const ModelConfig& config, TensorRole role);
// Multiplied with activations, so allowed in any tensor type; all others must be plain floats.
bool is_matrix(TensorRole role);

}  // namespace nemotron
