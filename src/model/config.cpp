// The limits of ModelConfig. They are several times what any published model has, and small enough
// that a hostile file cannot make a later size wrap around.
#include "model/config.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace nemotron {
namespace {

constexpr int kMaxLayers = 1024;
constexpr int kMaxWidth = 1 << 20;  // d_model, d_inner, d_ff, q width, n_groups * d_state
constexpr int kMaxVocab = 1 << 22;
constexpr int kMaxContext = 1 << 24;
constexpr int kMaxState = 1 << 12;
constexpr int kMaxConv = 64;
// Of the recurrent state of one layer, in floats (256 MiB, of each session); the 12B has 1.3
// million. The weights say nothing of it: they grow with the sum of the two factors, it with their
// product.
constexpr int kMaxSsmState = 1 << 26;

Status bad(std::string message) { return {StatusCode::kBadFile, std::move(message)}; }

Status check_range(const char* name, int value, int max) {
  if (value >= 1 && value <= max) return Status::ok();
  return bad(join("the model's ", name, " is ", value, "; 1 to ", max, " is possible"));
}

Status check_product(const char* names, int a, int b, int max = kMaxWidth) {
  const std::int64_t product = std::int64_t{a} * b;
  if (product <= max) return Status::ok();
  return bad(join("the model's ", names, " is ", product, "; at most ", max, " is possible"));
}

Status check_divides(const char* divisor_name, int divisor, const char* name, int value) {
  if (value % divisor == 0) return Status::ok();
  return bad(join("the model's ", name, " (", value, ") is no multiple of its ", divisor_name, " (",
                  divisor, ")"));
}

Status validate_mamba2(const ModelConfig& config) {
  NEMO_TRY(check_range("number of SSM heads", config.n_ssm_heads, kMaxWidth));
  NEMO_TRY(check_range("SSM head size", config.ssm_head_dim, kMaxWidth));
  NEMO_TRY(check_product("inner width (SSM heads x head size)", config.n_ssm_heads,
                         config.ssm_head_dim));
  NEMO_TRY(check_range("SSM state size", config.d_state, kMaxState));
  NEMO_TRY(
      check_product("inner width x state size", config.d_inner(), config.d_state, kMaxSsmState));
  NEMO_TRY(check_range("number of SSM groups", config.n_groups, kMaxWidth));
  NEMO_TRY(check_product("SSM groups x state size", config.n_groups, config.d_state));
  NEMO_TRY(check_divides("number of groups", config.n_groups, "number of SSM heads",
                         config.n_ssm_heads));
  NEMO_TRY(check_range("convolution width", config.d_conv, kMaxConv));
  if (config.dt_min >= 0.0f && config.dt_min < config.dt_max) return Status::ok();
  return bad("the model's time step limits are not an interval of numbers >= 0");
}

Status validate_attention(const ModelConfig& config) {
  NEMO_TRY(check_range("number of attention heads", config.n_heads, kMaxWidth));
  NEMO_TRY(check_range("number of key-value heads", config.n_kv_heads, kMaxWidth));
  NEMO_TRY(check_range("attention head size", config.head_dim, kMaxWidth));
  NEMO_TRY(check_product("attention heads x head size", config.n_heads, config.head_dim));
  return check_divides("number of key-value heads", config.n_kv_heads, "number of attention heads",
                       config.n_heads);
}

}  // namespace

char layer_letter(LayerKind kind) {
  switch (kind) {
    case LayerKind::mamba2:
      return 'M';
    case LayerKind::attention:
      return '*';
    case LayerKind::mlp:
      return '-';
  }
  return '?';
}

int ModelConfig::count(LayerKind kind) const {
  return static_cast<int>(std::count(layers.begin(), layers.end(), kind));
}

std::string ModelConfig::layer_pattern() const {
  std::string letters;
  for (const LayerKind kind : layers) letters += layer_letter(kind);
  return letters;
}

Status ModelConfig::validate() const {
  NEMO_TRY(check_range("number of layers", n_layers, kMaxLayers));
  if (layers.size() != static_cast<std::size_t>(n_layers))
    return bad(join("the model states ", n_layers, " layers and describes ", layers.size()));
  NEMO_TRY(check_range("width", d_model, kMaxWidth));
  NEMO_TRY(check_range("vocabulary size", n_vocab, kMaxVocab));
  NEMO_TRY(check_range("context length", max_context, kMaxContext));
  if (!(norm_eps > 0.0f) || !std::isfinite(norm_eps))
    return bad("the model's norm epsilon is not a positive number");
  if (has(LayerKind::mamba2)) NEMO_TRY(validate_mamba2(*this));
  if (has(LayerKind::attention)) NEMO_TRY(validate_attention(*this));
  if (has(LayerKind::mlp)) NEMO_TRY(check_range("MLP width", d_ff, kMaxWidth));
  for (const int id : eos_ids) {
    if (id < 0 || id >= n_vocab)
      return bad(join("the end token ", id, " is outside the vocabulary of ", n_vocab));
  }
  if (bos_id < -1 || bos_id >= n_vocab)
    return bad(join("the start token ", bos_id, " is outside the vocabulary of ", n_vocab));
  return Status::ok();
}

}  // namespace nemotron
