#include "convert/tokenizer_source.h"

#include <string_view>

#include "base/text.h"
#include "convert/gguf_keys.h"
#include "io/data_source.h"
#include "io/paths.h"
#include "tokenizer/vocabulary_json.h"

namespace nemotron {
namespace {

constexpr std::string_view kTokenizerName = "tokenizer.json";
constexpr std::string_view kConfigName = "tokenizer_config.json";
constexpr std::string_view kTemplateName = "chat_template.jinja";
constexpr std::string_view kGgufPrefix = "tokenizer.";
constexpr std::uint64_t kMaxFileBytes = 256 << 20;

std::string_view text_of(const std::vector<TextFile>& files, std::string_view name) {
  for (const TextFile& file : files)
    if (file.name == name) return file.text;
  return {};
}

void fill_up(VocabularyData& data, int n_vocab) {
  data.token_types.resize(data.tokens.size(), static_cast<std::int32_t>(TokenType::kNormal));
  for (std::size_t id = data.tokens.size(); id < static_cast<std::size_t>(n_vocab); ++id) {
    data.tokens.push_back(join("[PAD", id, "]"));
    data.token_types.push_back(static_cast<std::int32_t>(TokenType::kUnused));
  }
}

Status check_size(std::uint64_t n_tokens, int n_vocab) {
  if (n_tokens <= static_cast<std::uint64_t>(n_vocab)) return Status::ok();
  return {StatusCode::kConfigMismatch,
          join("the tokenizer has ", n_tokens, " tokens, the model a vocabulary of ", n_vocab)};
}

}  // namespace

TokenizerSource TokenizerSource::of(const TokenizerFiles& files) {
  TokenizerSource out;
  const auto add = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) out.files_.push_back({std::string(name), text});
  };
  add(kTokenizerName, files.tokenizer_json);
  add(kConfigName, files.tokenizer_config_json);
  add(kTemplateName, files.chat_template);
  return out;
}

TokenizerSource TokenizerSource::of(const GgufFile& file) {
  TokenizerSource out;
  for (const auto& [key, value] : file.metadata)
    if (key.starts_with(kGgufPrefix)) out.gguf_keys_.emplace(key, value);
  return out;
}

Result<TokenizerSource> TokenizerSource::read(const std::string& path) {
  NEMO_ASSIGN(const PathKind kind, kind_of(path));
  if (kind == PathKind::kFolder) {
    TokenizerSource out;
    for (const std::string_view name : {kTokenizerName, kConfigName, kTemplateName}) {
      const auto source = open_file(join_path(path, std::string(name)));
      const bool is_missing = source.status().code() == StatusCode::kFileNotFound;
      if (is_missing && name != kTokenizerName) continue;
      if (!source.is_ok()) return source.status();
      NEMO_ASSIGN(std::string text, read_all(*source.value(), kMaxFileBytes));
      out.files_.push_back({std::string(name), std::move(text)});
    }
    return out;
  }
  NEMO_ASSIGN(const auto source, open_file(path));
  NEMO_ASSIGN(const bool is_gguf, has_gguf_magic(*source));
  if (!is_gguf)
    return Status{StatusCode::kUnsupportedFormat,
                  join("'", path, "' is no GGUF file, and no folder with a tokenizer.json")};
  NEMO_ASSIGN(const GgufFile file, read_gguf(*source));
  return of(file);
}

Result<VocabularyData> TokenizerSource::parse() const {
  return vocabulary_from_json(text_of(files_, kTokenizerName), text_of(files_, kConfigName));
}

Status TokenizerSource::add_to(GgufMetadata& metadata, int n_vocab) const {
  if (!gguf_keys_.empty()) {
    const auto tokens = gguf_keys_.find("tokenizer.ggml.tokens");
    if (tokens != gguf_keys_.end()) NEMO_TRY(check_size(tokens->second.size(), n_vocab));
    for (const auto& [key, value] : gguf_keys_) metadata.set_value(key, value);
    return Status::ok();
  }
  if (files_.empty()) {
    add_no_vocabulary(metadata);
    return Status::ok();
  }
  NEMO_ASSIGN(VocabularyData data, parse());
  NEMO_TRY(check_size(data.tokens.size(), n_vocab));
  fill_up(data, n_vocab);
  add_vocabulary(data, text_of(files_, kTemplateName), metadata);
  return Status::ok();
}

Status TokenizerSource::add_to(std::vector<TextFile>& files, int n_vocab) const {
  if (!gguf_keys_.empty())
    return {StatusCode::kUnsupportedFormat,
            "a GGUF's tokenizer cannot be written as tokenizer.json; name a folder that has one"};
  if (files_.empty()) return Status::ok();
  NEMO_ASSIGN(const VocabularyData data, parse());
  NEMO_TRY(check_size(data.tokens.size(), n_vocab));
  files.insert(files.end(), files_.begin(), files_.end());
  return Status::ok();
}

}  // namespace nemotron
