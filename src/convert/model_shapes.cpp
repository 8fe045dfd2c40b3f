// Numbers of the published config.json files.
#include "convert/model_shapes.h"

namespace nemotron {
namespace {

struct Shape {
  std::string_view name;
  std::string_view pattern;
  int d_model, d_ff;
  int n_heads, n_kv_heads, head_dim;
  int n_ssm_heads, ssm_head_dim, n_groups, d_state;
  int n_vocab, max_context;
};

constexpr Shape kShapes[] = {
    {"4b", "M-M-M-MM-M-M*-M-M*-M-M-M*-M-M-MM*-MMM-M-M-", 3136, 12544, 40, 8, 128, 96, 80, 8, 128,
     131072, 262144},
    {"9b-v2", "M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-", 4480, 15680, 40, 8, 128,
     128, 80, 8, 128, 131072, 131072},
    {"12b-v2", "M-M-M-M*-M-M-M-M*-M-M-M-M*-M-M-M-M*-M-M-M-M*-M-M-M-M*-M-M-M-M-", 5120, 20480, 40, 8,
     128, 128, 80, 8, 128, 131072, 131072},
    {"h-8b", "M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-", 4096, 21504, 32, 8, 128, 128,
     64, 8, 128, 131072, 8192},
    // The quirks of the 4B in small: a width that is no multiple of 256, a d_ff that is one.
    {"tiny", "M-M*-M-M*-M-M-M-", 288, 512, 4, 2, 64, 8, 32, 2, 16, 1024, 4096},
};

LayerKind layer_kind_of(char letter) {
  switch (letter) {
    case 'M':
      return LayerKind::mamba2;
    case '*':
      return LayerKind::attention;
    default:
      return LayerKind::mlp;
  }
}

}  // namespace

std::optional<ModelConfig> model_shape(std::string_view name) {
  for (const Shape& shape : kShapes) {
    if (shape.name != name) continue;
    ModelConfig config;
    for (const char letter : shape.pattern) config.layers.push_back(layer_kind_of(letter));
    config.n_layers = static_cast<int>(config.layers.size());
    config.d_model = shape.d_model;
    config.d_ff = shape.d_ff;
    config.n_heads = shape.n_heads;
    config.n_kv_heads = shape.n_kv_heads;
    config.head_dim = shape.head_dim;
    config.n_ssm_heads = shape.n_ssm_heads;
    config.ssm_head_dim = shape.ssm_head_dim;
    config.n_groups = shape.n_groups;
    config.d_state = shape.d_state;
    config.d_conv = 4;
    config.n_vocab = shape.n_vocab;
    config.max_context = shape.max_context;
    config.bos_id = 1;
    config.eos_ids = {2, 11};
    return config;
  }
  return std::nullopt;
}

}  // namespace nemotron
