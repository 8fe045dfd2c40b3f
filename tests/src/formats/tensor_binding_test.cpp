// Tables of tensors against a configuration: what fits, and each way not to.
#include "formats/tensor_binding.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "src/formats/tiny_models.h"

using namespace nemotron;

namespace {
ModelConfig small_config() {
  ModelConfig config;
  config.layers = {LayerKind::mamba2, LayerKind::attention, LayerKind::mlp};
  config.n_layers = 3;
  config.d_model = 8;
  config.n_vocab = 10;
  config.n_ssm_heads = 4;
  config.ssm_head_dim = 3;
  config.d_state = 5;
  config.n_groups = 2;
  config.d_conv = 4;
  config.n_heads = 2;
  config.n_kv_heads = 1;
  config.head_dim = 6;
  config.d_ff = 7;
  config.max_context = 100;
  REQUIRE(config.validate().is_ok());
  return config;
}

void set_shape(TensorEntry& entry, std::vector<std::uint64_t> shape) {
  entry.n_dims = static_cast<int>(shape.size());
  entry.shape = {};
  std::copy(shape.begin(), shape.end(), entry.shape.begin());
}

TensorTable full_table(const ModelConfig& config, NameStyle style) {
  TensorTable table;
  const auto add = [&](TensorSlot slot) {
    TensorEntry entry;
    entry.name = tensor_name(style, slot);
    set_shape(entry, tensor_shape(config, slot.role));
    table.push_back(entry);
  };
  for (const TensorRole role : model_roles()) add({role, kNoLayer});
  for (int i = 0; i < config.n_layers; ++i) {
    for (const TensorRole role : layer_roles(config.layers[static_cast<std::size_t>(i)]))
      add({role, i});
  }
  return table;
}

TensorEntry& entry_of(TensorTable& table, std::string_view name) {
  const auto entry = std::find_if(table.begin(), table.end(),
                                  [&](const TensorEntry& e) { return e.name == name; });
  REQUIRE(entry != table.end());
  return *entry;
}

TensorEntry extra(const std::string& name) {
  TensorEntry entry;
  entry.name = name;
  set_shape(entry, {8});
  return entry;
}

Status bind_status(const ModelConfig& config, TensorTable table, int n_extra_layers = 0) {
  return TensorBinding::bind(config, NameStyle::gguf, n_extra_layers, table).status();
}
}  // namespace

TEST_CASE("a full table binds every role of every layer") {
  const ModelConfig config = small_config();
  const auto style = GENERATE(NameStyle::huggingface, NameStyle::gguf);
  TensorTable table = full_table(config, style);
  std::reverse(table.begin(), table.end());
  const auto binding = TensorBinding::bind(config, style, 0, table);
  INFO(binding.status().message());
  REQUIRE(binding.is_ok());
  for (int i = 0; i < config.n_layers; ++i) {
    for (const TensorRole role : layer_roles(config.layers[static_cast<std::size_t>(i)]))
      CHECK(table[static_cast<std::size_t>(binding->find(role, i))].name ==
            tensor_name(style, {role, i}));
  }
  CHECK(binding->find(TensorRole::q_proj, 0) == -1);
  CHECK(binding->find(TensorRole::norm, 3) == -1);
  CHECK(binding->find(TensorRole::norm, -2) == -1);
}

TEST_CASE("shapes of the same order in memory become canonical") {
  const ModelConfig config = small_config();
  TensorTable table = full_table(config, NameStyle::gguf);
  set_shape(entry_of(table, "blk.0.ssm_conv1d.weight"), {32, 1, 4});
  set_shape(entry_of(table, "blk.0.ssm_a"), {4, 1});
  set_shape(entry_of(table, "blk.0.ssm_d"), {1, 4});
  set_shape(entry_of(table, "blk.0.ssm_norm.weight"), {2, 6});
  const auto binding = TensorBinding::bind(config, NameStyle::gguf, 0, table);
  INFO(binding.status().message());
  REQUIRE(binding.is_ok());
  CHECK(shape_text(entry_of(table, "blk.0.ssm_conv1d.weight").dims()) == "[32, 4]");
  CHECK(shape_text(entry_of(table, "blk.0.ssm_a").dims()) == "[4]");
  CHECK(shape_text(entry_of(table, "blk.0.ssm_norm.weight").dims()) == "[12]");
}

TEST_CASE("a wrong shape is named with what was found and expected") {
  const ModelConfig config = small_config();
  const TensorTable table = full_table(config, NameStyle::gguf);
  for (const TensorEntry& entry : table) {
    TensorTable wrong = table;
    TensorEntry& target = entry_of(wrong, entry.name);
    ++target.shape[0];
    const Status status = bind_status(config, wrong);
    CHECK(status.code() == StatusCode::kConfigMismatch);
    CHECK(message_has(status, entry.name));
    CHECK(message_has(status, "the shape " + shape_text(target.dims())));
    CHECK(message_has(status, "asks for " + shape_text(entry.dims())));
  }
  TensorTable transposed = table;
  set_shape(entry_of(transposed, "blk.2.ffn_up.weight"), {8, 7});
  CHECK(bind_status(config, transposed).code() == StatusCode::kConfigMismatch);
  TensorTable squeezed = table;
  set_shape(entry_of(squeezed, "blk.2.ffn_up.weight"), {7, 1, 8});
  CHECK(bind_status(config, squeezed).code() == StatusCode::kConfigMismatch);
  TensorTable grouped = table;
  set_shape(entry_of(grouped, "blk.0.ssm_norm.weight"), {6, 2});
  CHECK(bind_status(config, grouped).code() == StatusCode::kConfigMismatch);
}

TEST_CASE("each missing tensor is named") {
  const ModelConfig config = small_config();
  const TensorTable table = full_table(config, NameStyle::gguf);
  for (std::size_t i = 0; i < table.size(); ++i) {
    TensorTable less = table;
    less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
    const Status status = bind_status(config, less);
    CHECK(status.code() == StatusCode::kMissingTensor);
    CHECK(message_has(status, "'" + table[i].name + "'"));
  }
}

TEST_CASE("tensors that the configuration does not know") {
  const ModelConfig config = small_config();
  const auto with = [&](const std::string& name) {
    TensorTable table = full_table(config, NameStyle::gguf);
    table.push_back(extra(name));
    return table;
  };
  CHECK(message_has(bind_status(config, with("blk.1.attn_q.bias")),
                    "is not one that this model has"));
  CHECK(
      message_has(bind_status(config, with("blk.2.attn_norm2.weight")), "blk.2.attn_norm2.weight"));
  const Status kind = bind_status(config, with("blk.2.ssm_a"));
  CHECK(kind.code() == StatusCode::kConfigMismatch);
  CHECK(message_has(
      kind, "belongs to a Mamba-2 layer, but by its configuration layer 2 is an MLP layer"));
  CHECK(message_has(bind_status(config, with("blk.3.attn_norm.weight")), "the model has 3 layers"));
  CHECK(bind_status(config, with("blk.3.attn_norm.weight"), 1).is_ok());
  CHECK_FALSE(bind_status(config, with("blk.4.attn_norm.weight"), 1).is_ok());
  CHECK(bind_status(config, with("mtp.anything")).is_ok());
  CHECK(bind_status(config, with("rope_freqs.weight")).is_ok());
  CHECK(message_has(bind_status(config, with("output_norm.weight")), "a second time"));
}

TEST_CASE("vectors in a block type are refused") {
  const ModelConfig config = small_config();
  TensorTable table = full_table(config, NameStyle::gguf);
  entry_of(table, "blk.0.attn_norm.weight").type = TensorType::kQ8_0;
  const Status status = bind_status(config, table);
  CHECK(status.code() == StatusCode::kUnsupportedType);
  CHECK(message_has(status, "'blk.0.attn_norm.weight' has type Q8_0"));
  entry_of(table, "blk.0.attn_norm.weight").type = TensorType::kBF16;
  CHECK(bind_status(config, table).is_ok());
}

TEST_CASE("a tied output head is the embedding, stored or not") {
  ModelConfig config = small_config();
  config.tied_output = true;
  TensorTable table = full_table(config, NameStyle::gguf);
  for (int n_heads_stored = 1; n_heads_stored >= 0; --n_heads_stored) {
    const auto binding = TensorBinding::bind(config, NameStyle::gguf, 0, table);
    REQUIRE(binding.is_ok());
    CHECK(binding->find(TensorRole::output) == binding->find(TensorRole::token_embedding));
    std::erase_if(table, [](const TensorEntry& e) { return e.name == "output.weight"; });
  }
}
