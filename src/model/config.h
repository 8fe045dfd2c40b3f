// The shape of a Nemotron-H model: everything the runtime needs to know before it reads a weight.
// Filled by src/formats from config.json or GGUF metadata; validate() makes every later product of
// these numbers safe in 64 bits and every sum of widths safe in an int.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/status.h"

namespace nemotron {

// One layer is one norm, one mixer of this kind, one residual.
enum class LayerKind : std::uint8_t { mamba2, attention, mlp };

struct ModelConfig {
  int d_model = 0;
  int n_layers = 0;
  int n_vocab = 0;
  std::vector<LayerKind> layers;  // [n_layers]

  // Mamba-2 layers. Zero where the model has none.
  int n_ssm_heads = 0;
  int ssm_head_dim = 0;
  int d_state = 0;
  int n_groups = 0;  // of heads that share B and C; also of channels in the gated norm
  int d_conv = 0;
  // Limits of dt after softplus. Not time_step_min and time_step_max, which only initialise.
  float dt_min = 0.0f;
  float dt_max = std::numeric_limits<float>::infinity();

  // Attention layers; no positional encoding. Zero where the model has none.
  int n_heads = 0;
  int n_kv_heads = 0;
  int head_dim = 0;

  // MLP layers. Zero where the model has none.
  int d_ff = 0;

  float norm_eps = 1e-5f;
  int max_context = 0;       // tokens the model was trained for
  bool tied_output = false;  // the output head is the token embedding
  int bos_id = -1;           // -1: none stated
  std::vector<int> eos_ids;  // as stated, without repetition; the tokenizer may know more

  int d_inner() const { return n_ssm_heads * ssm_head_dim; }
  int conv_dim() const { return d_inner() + 2 * n_groups * d_state; }
  int in_proj_rows() const { return d_inner() + conv_dim() + n_ssm_heads; }
  int q_dim() const { return n_heads * head_dim; }
  int kv_dim() const { return n_kv_heads * head_dim; }

  int count(LayerKind kind) const;
  bool has(LayerKind kind) const { return count(kind) > 0; }
  // One letter per layer: M, * (attention), - (MLP).
  std::string layer_pattern() const;

  // kBadFile with a sentence naming the first number that is out of its range or does not divide
  // what it must.
  Status validate() const;
};

char layer_letter(LayerKind kind);

}  // namespace nemotron
