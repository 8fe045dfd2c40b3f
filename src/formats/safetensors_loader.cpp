// A safetensors file and the small files beside it to a ModelFile.
#include "base/text.h"
#include "formats/config_json.h"
#include "formats/loaders.h"
#include "formats/shard_index.h"
#include "json/json_value.h"
#include "safetensors/safetensors.h"

namespace nemotron {
namespace {

constexpr std::uint64_t kMaxConfigBytes = 16 << 20;
constexpr std::uint64_t kMaxTemplateBytes = 4 << 20;
constexpr std::uint64_t kMaxTokenizerBytes = 256 << 20;  // the real one has 17 MB

// A fault inside the file `name`: its name in front, and a file's fault even where the JSON reader
// takes it for a caller's.
Status in_file(const Status& status, std::string_view name) {
  const StatusCode code =
      status.code() == StatusCode::kInvalidJson ? StatusCode::kBadFile : status.code();
  return {code, join("'", name, "': ", status.message()), status.byte_offset()};
}

// The text of a small file; empty when there is none.
Result<std::string> read_sibling(const OpenSibling& open_sibling, std::string_view name,
                                 std::uint64_t max_bytes) {
  NEMO_ASSIGN(const auto source, open_sibling(name));
  if (source == nullptr) return std::string();
  return read_all(*source, max_bytes);
}

// The text of the file `name` as JSON; null when there was no such file.
Result<JsonValue> parse_file(std::string_view text, std::string_view name) {
  if (text.empty()) return JsonValue();
  auto root = parse_json(text);
  if (!root.is_ok()) return in_file(std::move(root).status(), name);
  return root;
}

Result<JsonValue> read_json(const OpenSibling& open_sibling, std::string_view name) {
  NEMO_ASSIGN(const std::string text, read_sibling(open_sibling, name, kMaxConfigBytes));
  return parse_file(text, name);
}

// What hf_quant_config.json or config.json's quantization_config say. Which tensor is quantised and
// how, the tensors say themselves; here only what we would compute wrongly is refused.
Status check_quantization(const JsonValue* quantization, std::string_view file,
                          std::vector<std::string>& notes) {
  if (quantization == nullptr) return Status::ok();
  const auto word = [&](std::string_view key) -> Result<std::string> {
    const JsonValue* value = quantization->find(key);
    if (value == nullptr || value->is_null()) return std::string();
    auto text = value->to_string(key);
    if (!text.is_ok()) return in_file(text.status(), file);
    return text;
  };
  NEMO_ASSIGN(const std::string algorithm, word("quant_algo"));
  if (!algorithm.empty() && algorithm != "FP8" && algorithm != "MIXED_PRECISION")
    return {StatusCode::kUnsupportedType, join("'", file, "': the quantisation '", algorithm,
                                               "' is not supported in safetensors; 'FP8' is")};
  NEMO_ASSIGN(const std::string kv_algorithm, word("kv_cache_quant_algo"));
  if (!kv_algorithm.empty())
    notes.push_back(join("'", file, "' asks for a key-value cache in ", kv_algorithm,
                         "; keys and values are kept wider"));
  return Status::ok();
}

Result<ModelConfig> read_config(const OpenSibling& open_sibling, const std::string& weights_name,
                                std::vector<std::string>& notes) {
  NEMO_ASSIGN(const JsonValue root, read_json(open_sibling, "config.json"));
  if (root.is_null())
    return Status{StatusCode::kFileNotFound,
                  join("'", weights_name, "' needs a config.json beside it; there is none")};
  auto config = config_from_json(root);
  if (!config.is_ok()) return in_file(std::move(config).status(), "config.json");
  NEMO_TRY(check_quantization(root.find("quantization_config"), "config.json", notes));
  NEMO_ASSIGN(const JsonValue quantization, read_json(open_sibling, "hf_quant_config.json"));
  NEMO_TRY(check_quantization(quantization.find("quantization"), "hf_quant_config.json", notes));
  NEMO_ASSIGN(const JsonValue generation, read_json(open_sibling, "generation_config.json"));
  Status added = add_eos_ids(generation, config->eos_ids);
  if (added.is_ok()) added = config->validate();
  if (!added.is_ok()) return in_file(added, "generation_config.json");
  return config;
}

// "chat_template" is the template, or a list of {name, template} of which "default" is meant.
Result<std::string> template_from_json(const JsonValue& document) {
  const JsonValue* value = document.find("chat_template");
  if (value == nullptr || value->is_null()) return std::string();
  if (!value->is_array()) return value->to_string("chat_template");
  for (const JsonValue& item : value->items()) {
    const JsonValue* name = item.find("name");
    const JsonValue* text = item.find("template");
    if (name == nullptr || text == nullptr) continue;
    NEMO_ASSIGN(const std::string word, name->to_string("chat_template.name"));
    if (word == "default") return text->to_string("chat_template.template");
  }
  return std::string();
}

Result<TokenizerFiles> read_tokenizer(const OpenSibling& open_sibling) {
  TokenizerFiles out;
  NEMO_ASSIGN(out.tokenizer_json, read_sibling(open_sibling, "tokenizer.json", kMaxTokenizerBytes));
  NEMO_ASSIGN(out.tokenizer_config_json,
              read_sibling(open_sibling, "tokenizer_config.json", kMaxConfigBytes));
  NEMO_ASSIGN(const JsonValue document,
              parse_file(out.tokenizer_config_json, "tokenizer_config.json"));
  auto chat_template = template_from_json(document);
  if (!chat_template.is_ok())
    return in_file(std::move(chat_template).status(), "tokenizer_config.json");
  out.chat_template = std::move(chat_template).value();
  NEMO_ASSIGN(std::string jinja,
              read_sibling(open_sibling, "chat_template.jinja", kMaxTemplateBytes));
  if (!jinja.empty()) out.chat_template = std::move(jinja);
  return out;
}

// `contents` with path, sources and table, completed from the small files.
Result<ModelFile> finish(ModelFile::Contents contents, const OpenSibling& open_sibling) {
  contents.format_name = "safetensors";
  contents.stores_A_log = true;
  NEMO_ASSIGN(contents.config, read_config(open_sibling, contents.path, contents.notes));
  auto binding = TensorBinding::bind(contents.config, NameStyle::huggingface, 0, contents.table);
  if (!binding.is_ok())
    return std::move(binding).status().with_prefix(join("'", contents.path, "'"));
  NEMO_ASSIGN(contents.tokenizer, read_tokenizer(open_sibling));
  return ModelFile::create(std::move(contents), std::move(binding).value());
}

}  // namespace

Result<ModelFile> load_safetensors(std::unique_ptr<DataSource> weights,
                                   const OpenSibling& open_sibling) {
  ModelFile::Contents contents;
  contents.path = weights->name();
  NEMO_ASSIGN(contents.table, read_safetensors(*weights));
  contents.sources.push_back(std::move(weights));
  return finish(std::move(contents), open_sibling);
}

Result<ModelFile> load_sharded_safetensors(const ShardIndex& shards, const std::string& index_path,
                                           const OpenSibling& open_sibling) {
  ModelFile::Contents contents;
  contents.path = index_path;
  NEMO_ASSIGN(contents.sources, open_shards(shards, contents.path, open_sibling));
  NEMO_ASSIGN(contents.table, read_shard_tables(shards, contents.path, contents.sources));
  return finish(std::move(contents), open_sibling);
}

}  // namespace nemotron
