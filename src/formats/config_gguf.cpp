// Rope keys and the token embedding's other dummies are not read: the family has no positional
// encoding, and converters fill them in regardless.
#include "formats/config_gguf.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/text.h"
#include "formats/tensor_names.h"

namespace nemotron {
namespace {

constexpr std::uint64_t kDummyContext = 1 << 20;   // written for every model of the family
constexpr int kRealContext = 262144;               // max_position_embeddings of those models
constexpr std::uint64_t kNoTokenId = 0xffffffffu;  // how some writers say "none"
constexpr std::int64_t kMaxBlocks = 1 << 16;

// Keys below the architecture's prefix.
class Reader {
 public:
  explicit Reader(const GgufFile& file, std::string prefix)
      : file_(file), prefix_(std::move(prefix)) {}

  std::string key(std::string_view suffix) const { return join(prefix_, suffix); }
  bool has(std::string_view suffix) const { return file_.find(key(suffix)) != nullptr; }

  Status read_int(std::string_view suffix, int& out) const {
    const std::string name = key(suffix);
    NEMO_ASSIGN(const std::uint64_t value, file_.get_uint(name));
    if (value > std::numeric_limits<int>::max())
      return {StatusCode::kBadFile, join("metadata '", name, "' is out of range: ", value)};
    out = static_cast<int>(value);
    return Status::ok();
  }

  // One number per block, or one for all of them.
  Result<std::vector<std::int64_t>> read_per_block(std::string_view suffix, int n_blocks) const {
    const std::string name = key(suffix);
    NEMO_ASSIGN(auto values, file_.get_ints(name));
    if (!is_array(suffix)) values.resize(static_cast<std::size_t>(n_blocks), values[0]);
    if (values.size() != static_cast<std::size_t>(n_blocks))
      return Status{StatusCode::kConfigMismatch, join("metadata '", name, "' has ", values.size(),
                                                      " elements for ", n_blocks, " blocks")};
    for (const std::int64_t value : values) {
      if (value < 0 || value > std::numeric_limits<int>::max())
        return Status{StatusCode::kBadFile, join("metadata '", name, "' is out of range: ", value)};
    }
    return values;
  }

  bool is_array(std::string_view suffix) const {
    const GgufValue* value = file_.find(key(suffix));
    return value != nullptr && value->is_array();
  }

 private:
  const GgufFile& file_;
  std::string prefix_;
};

Status check_architecture(const std::string& architecture) {
  if (architecture == "nemotron_h") return Status::ok();
  if (architecture == "nemotron_h_moe")
    return {StatusCode::kUnsupportedArchitecture,
            "the architecture 'nemotron_h_moe' has mixture-of-experts layers; these are not "
            "supported yet"};
  return {StatusCode::kUnsupportedArchitecture,
          join("the architecture '", architecture, "' is not supported; 'nemotron_h' is")};
}

// What the tensors of the file say: for files whose metadata has one number for all blocks.
Status layers_from_tensors(const TensorTable& table, ModelConfig& config) {
  std::vector<std::optional<LayerKind>> kinds(static_cast<std::size_t>(config.n_layers));
  for (const TensorEntry& entry : table) {
    const auto slot = parse_tensor_name(NameStyle::gguf, entry.name);
    if (!slot.has_value() || slot->layer < 0 || slot->layer >= config.n_layers) continue;
    const auto kind = layer_kind_of(slot->role);
    if (kind.has_value()) kinds[static_cast<std::size_t>(slot->layer)] = kind;
  }
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (!kinds[i].has_value())
      return {StatusCode::kMissingTensor, join("block ", i, " has no tensor that tells its kind")};
    config.layers.push_back(*kinds[i]);
  }
  return Status::ok();
}

// The one width that all blocks with a non-zero number share; 0 if there is none.
Result<int> common_value(const std::vector<std::int64_t>& values, std::string_view what) {
  std::int64_t common = 0;
  for (const std::int64_t value : values) {
    if (value == 0 || value == common) continue;
    if (common != 0)
      return Status{StatusCode::kUnsupportedArchitecture,
                    join("blocks with different numbers of ", what, " are not supported")};
    common = value;
  }
  return static_cast<int>(common);
}

// A block is an MLP where it has a feed-forward width, attention where it has key-value heads, and
// Mamba-2 otherwise.
Status read_layers(const Reader& reader, const GgufFile& file, int n_blocks, ModelConfig& config) {
  NEMO_ASSIGN(auto kv_heads, reader.read_per_block("attention.head_count_kv", n_blocks));
  NEMO_ASSIGN(auto heads, reader.read_per_block("attention.head_count", n_blocks));
  NEMO_ASSIGN(auto widths, reader.read_per_block("feed_forward_length", n_blocks));
  for (auto* values : {&kv_heads, &heads, &widths})
    values->resize(static_cast<std::size_t>(config.n_layers));
  if (reader.is_array("attention.head_count_kv") && reader.is_array("feed_forward_length")) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      config.layers.push_back(widths[i] != 0     ? LayerKind::mlp
                              : kv_heads[i] != 0 ? LayerKind::attention
                                                 : LayerKind::mamba2);
    }
  } else {
    NEMO_TRY(layers_from_tensors(file.tensors, config));
  }
  NEMO_ASSIGN(config.n_kv_heads, common_value(kv_heads, "key-value heads"));
  NEMO_ASSIGN(config.n_heads, common_value(heads, "heads"));
  NEMO_ASSIGN(config.d_ff, common_value(widths, "feed-forward channels"));
  return Status::ok();
}

Status read_mamba2(const Reader& reader, ModelConfig& config) {
  int d_inner = 0;
  NEMO_TRY(reader.read_int("ssm.inner_size", d_inner));
  NEMO_TRY(reader.read_int("ssm.time_step_rank", config.n_ssm_heads));  // no rank: the heads
  NEMO_TRY(reader.read_int("ssm.state_size", config.d_state));
  NEMO_TRY(reader.read_int("ssm.group_count", config.n_groups));
  NEMO_TRY(reader.read_int("ssm.conv_kernel", config.d_conv));
  if (config.n_ssm_heads <= 0 || d_inner % config.n_ssm_heads != 0)
    return {StatusCode::kBadFile,
            join("metadata '", reader.key("ssm.inner_size"), "' (", d_inner,
                 ") is no multiple of the number of heads (", config.n_ssm_heads, ")")};
  config.ssm_head_dim = d_inner / config.n_ssm_heads;
  return Status::ok();
}

Status read_attention(const Reader& reader, ModelConfig& config) {
  NEMO_TRY(reader.read_int("attention.key_length", config.head_dim));
  int value_length = config.head_dim;
  if (reader.has("attention.value_length"))
    NEMO_TRY(reader.read_int("attention.value_length", value_length));
  if (value_length == config.head_dim) return Status::ok();
  return {StatusCode::kUnsupportedArchitecture,
          join("keys of ", config.head_dim, " and values of ", value_length,
               " channels are not supported; they must be equal")};
}

Status read_context(const GgufFile& file, const Reader& reader, ModelConfig& config) {
  NEMO_ASSIGN(const std::uint64_t stated, file.get_uint(reader.key("context_length")));
  if (stated == kDummyContext) {
    config.max_context = kRealContext;
    return Status::ok();
  }
  return reader.read_int("context_length", config.max_context);
}

Status read_norm_eps(const GgufFile& file, const Reader& reader, ModelConfig& config) {
  const std::string rms_key = reader.key("attention.layer_norm_rms_epsilon");
  NEMO_ASSIGN(const double eps, file.get_float(reader.has("attention.layer_norm_rms_epsilon")
                                                   ? rms_key
                                                   : reader.key("attention.layer_norm_epsilon")));
  if (!(eps > 0.0 && eps < 1.0))
    return {StatusCode::kBadFile,
            join("the norm epsilon is ", eps, "; between 0 and 1 is possible")};
  config.norm_eps = static_cast<float>(eps);
  return Status::ok();
}

Status read_vocabulary_size(const GgufFile& file, const Reader& reader, ModelConfig& config) {
  if (reader.has("vocab_size")) return reader.read_int("vocab_size", config.n_vocab);
  for (const TensorEntry& entry : file.tensors) {
    if (entry.name == "token_embd.weight" && entry.n_dims == 2 &&
        entry.shape[0] <= static_cast<std::uint64_t>(std::numeric_limits<int>::max())) {
      config.n_vocab = static_cast<int>(entry.shape[0]);
      return Status::ok();
    }
  }
  return {StatusCode::kMissingTensor, "tensor 'token_embd.weight' is missing"};
}

Status read_token_ids(const GgufFile& file, ModelConfig& config) {
  const auto read_id = [&](std::string_view key) -> Result<int> {
    if (file.find(key) == nullptr) return -1;
    NEMO_ASSIGN(const std::uint64_t id, file.get_uint(key));
    if (id == kNoTokenId) return -1;
    if (id < static_cast<std::uint64_t>(config.n_vocab)) return static_cast<int>(id);
    return Status{StatusCode::kConfigMismatch,
                  join("metadata '", key, "' is ", id, "; the vocabulary has ", config.n_vocab)};
  };
  NEMO_ASSIGN(config.bos_id, read_id("tokenizer.ggml.bos_token_id"));
  for (const std::string_view key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                     "tokenizer.ggml.eom_token_id"}) {
    NEMO_ASSIGN(const int id, read_id(key));
    if (id >= 0 &&
        std::find(config.eos_ids.begin(), config.eos_ids.end(), id) == config.eos_ids.end())
      config.eos_ids.push_back(id);
  }
  return Status::ok();
}

}  // namespace

Result<GgufConfig> config_from_gguf(const GgufFile& file) {
  NEMO_ASSIGN(const std::string architecture, file.get_string("general.architecture"));
  NEMO_TRY(check_architecture(architecture));
  const Reader reader(file, architecture + ".");
  GgufConfig out;
  ModelConfig& config = out.config;
  int n_blocks = 0;
  NEMO_TRY(reader.read_int("block_count", n_blocks));
  if (reader.has("nextn_predict_layers"))
    NEMO_TRY(reader.read_int("nextn_predict_layers", out.n_extra_layers));
  if (n_blocks > kMaxBlocks || out.n_extra_layers >= n_blocks)
    return Status{StatusCode::kBadFile, join("the file states ", n_blocks, " blocks, ",
                                             out.n_extra_layers, " of them extra")};
  config.n_layers = n_blocks - out.n_extra_layers;
  NEMO_TRY(reader.read_int("embedding_length", config.d_model));
  NEMO_TRY(read_layers(reader, file, n_blocks, config));
  NEMO_TRY(read_vocabulary_size(file, reader, config));
  NEMO_TRY(read_context(file, reader, config));
  NEMO_TRY(read_norm_eps(file, reader, config));
  if (config.has(LayerKind::mamba2)) NEMO_TRY(read_mamba2(reader, config));
  if (config.has(LayerKind::attention)) NEMO_TRY(read_attention(reader, config));
  NEMO_TRY(read_token_ids(file, config));
  // The converter leaves a tied output head out.
  config.tied_output = std::none_of(file.tensors.begin(), file.tensors.end(),
                                    [](const TensorEntry& e) { return e.name == "output.weight"; });
  NEMO_TRY(config.validate());
  return out;
}

}  // namespace nemotron
