// Hugging Face tokenizer.json and tokenizer_config.json -> VocabularyData. What they ask for beyond
// the nemotron_h family's tokenizers is refused by name rather than tokenised differently.
#include <optional>
#include <utility>

#include "base/text.h"
#include "bpe/tekken_split.h"
#include "tokenizer/json_scalars.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/vocabulary_json.h"

namespace nemotron {

namespace {

struct NamedId {
  std::string text;
  std::uint64_t id = 0;
};

struct AddedToken {
  std::string text;
  std::optional<std::uint64_t> id;
  bool is_special = false;
  bool is_normalized = false;
};

// An entry may take three bytes of the text ("{},") and takes up to 64 of ours; the largest files
// in use have half a million.
constexpr std::size_t kMaxEntries = std::size_t{1} << 22;

Status unsupported(std::string message) {
  return Status(StatusCode::kUnsupportedFormat, "tokenizer.json: " + std::move(message));
}

Status bad(std::string message) {
  return Status(StatusCode::kBadFile, "tokenizer.json: " + std::move(message));
}

class TokenizerJson : public JsonScalars {
 public:
  std::vector<NamedId> vocabulary;
  std::vector<std::string> merges;
  std::vector<AddedToken> added;

 private:
  enum class Section { kVocabulary, kMerges, kAdded };

  bool wants_path(std::string_view path) const override {
    const std::string_view root = path.substr(0, path.find('.'));
    return root == "model" || root == "added_tokens" || root == "normalizer" ||
           root == "pre_tokenizer" || root == "post_processor";
  }

  bool opens_section(std::string_view path) override {
    if (path == "model.vocab") {
      section_ = Section::kVocabulary;
    } else if (path == "model.merges") {
      section_ = Section::kMerges;
    } else if (path == "added_tokens") {
      section_ = Section::kAdded;
    } else {
      return false;
    }
    return true;
  }

  // Each merge that is a pair is an array, each added token an object.
  bool section_start(bool is_array) override {
    const bool is_expected = section_level() == 0 && section_ != Section::kVocabulary &&
                             is_array == (section_ == Section::kMerges);
    if (!is_expected) return unexpected();
    if (section_ == Section::kMerges && !add(merges, {})) return false;
    if (section_ == Section::kAdded && !add(added, {})) return false;
    n_parts_ = 0;
    return true;
  }

  bool section_end() override {
    if (section_ == Section::kMerges && n_parts_ != 2) return unexpected();
    return true;
  }

  bool section_string(std::string& value) override {
    if (section_ == Section::kAdded && section_level() == 1) {
      if (key_text() == "content") added.back().text = std::move(value);
      return true;
    }
    if (section_ != Section::kMerges) return unexpected();
    if (section_level() == 0) return add(merges, std::move(value));
    if (++n_parts_ > 2 || value.find(' ') != value.npos) return unexpected();
    if (n_parts_ == 2) merges.back() += ' ';
    merges.back() += value;
    return true;
  }

  bool section_number(std::uint64_t value) override {
    if (section_ == Section::kVocabulary) return add(vocabulary, {key_text(), value});
    if (section_ != Section::kAdded || section_level() != 1) return unexpected();
    if (key_text() == "id") added.back().id = value;
    return true;
  }

  bool section_boolean(bool value) override {
    if (section_ != Section::kAdded || section_level() != 1) return unexpected();
    const std::string& key = key_text();
    if (key == "special") added.back().is_special = value;
    if (key == "normalized") added.back().is_normalized = value;
    if (value && (key == "lstrip" || key == "rstrip" || key == "single_word"))
      return fail(StatusCode::kUnsupportedFormat,
                  join("added token ", added.size() - 1, " asks for '", key, "'"));
    return true;
  }

  template <typename T>
  bool add(std::vector<T>& entries, T entry) {
    if (entries.size() == kMaxEntries)
      return fail(StatusCode::kBadFile,
                  join("more than ", kMaxEntries, " entries in ", section_name()));
    entries.push_back(std::move(entry));
    return true;
  }

  bool unexpected() {
    return fail(StatusCode::kBadFile, join("an unexpected value in ", section_name()));
  }

  const char* section_name() const {
    return section_ == Section::kVocabulary ? "model.vocab"
           : section_ == Section::kMerges   ? "model.merges"
                                            : "added_tokens";
  }

  Section section_ = Section::kVocabulary;
  int n_parts_ = 0;
};

// BOS, EOS and UNK of tokenizer_config.json: a string, or an object with a "content".
class TokenizerConfigJson : public JsonScalars {
 public:
  const std::string* token_text(const std::string& name) const {
    const std::string* content = find(name + ".content");
    if (content != nullptr) return content;
    return is_unset_or(name, "{}") ? nullptr : find(name);
  }

 private:
  bool wants_path(std::string_view path) const override {
    return path == "add_bos_token" || path == "bos_token" || path == "bos_token.content" ||
           path == "eos_token" || path == "eos_token.content";
  }
};

// Split by the Tekken expression, then the byte alphabet, and nothing else.
Status check_pre_tokenizer(const TokenizerJson& json) {
  if (!json.is("pre_tokenizer.type", "Sequence") ||
      !json.is("pre_tokenizer.pretokenizers.0.type", "Split") ||
      !json.is("pre_tokenizer.pretokenizers.1.type", "ByteLevel") ||
      json.find("pre_tokenizer.pretokenizers.2") != nullptr)
    return unsupported("the pre_tokenizer is not a Sequence of a Split and a ByteLevel");
  const std::string* pattern = json.find("pre_tokenizer.pretokenizers.0.pattern.Regex");
  if (pattern == nullptr || *pattern != kTekkenPattern)
    return unsupported(join("the pre_tokenizer splits by '",
                            pattern == nullptr ? "no expression" : pattern->substr(0, 200),
                            "', which is not Tekken's expression"));
  if (!json.is("pre_tokenizer.pretokenizers.0.behavior", "Isolated") ||
      !json.is_unset_or("pre_tokenizer.pretokenizers.0.invert", "false"))
    return unsupported("the pre_tokenizer's Split is not 'Isolated' or is inverted");
  if (!json.is("pre_tokenizer.pretokenizers.1.add_prefix_space", "false") ||
      !json.is("pre_tokenizer.pretokenizers.1.use_regex", "false"))
    return unsupported("the pre_tokenizer's ByteLevel adds a blank or splits again");
  return Status::ok();
}

Status check_settings(const TokenizerJson& json) {
  if (!json.is_unset_or("model.type", "BPE"))
    return unsupported(
        join("the model is of type '", json.find("model.type")->substr(0, 64), "', not BPE"));
  if (!json.is_unset_or("normalizer", "null")) return unsupported("there is a normalizer");
  const char* const prefixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
  for (const char* name : prefixes)
    if (!json.is_unset_or(join("model.", name), "")) return unsupported(join("it sets ", name));
  if (!json.is_unset_or("model.byte_fallback", "false"))
    return unsupported("it sets byte_fallback");
  if (!json.is_unset_or("model.dropout", "0.0")) return unsupported("it sets dropout");
  return check_pre_tokenizer(json);
}

// Fills tokens, types and second_pass_ids. Every id from 0 to the largest belongs to one token.
Status place_tokens(TokenizerJson& json, VocabularyData& data) {
  const std::size_t n_at_most = json.vocabulary.size() + json.added.size();
  data.tokens.resize(n_at_most);
  data.token_types.assign(n_at_most, 0);  // 0: no token yet
  std::size_t n_tokens = 0;
  for (NamedId& token : json.vocabulary) {
    if (token.id >= n_at_most) return bad(join("id ", token.id, " leaves ids before it unused"));
    if (data.token_types[token.id] != 0) return bad(join("two tokens have the id ", token.id));
    data.tokens[token.id] = std::move(token.text);
    data.token_types[token.id] = static_cast<std::int32_t>(TokenType::kNormal);
    ++n_tokens;
  }
  std::vector<bool> is_added(n_at_most, false);
  for (AddedToken& token : json.added) {
    if (!token.id || token.text.empty()) return bad("an added token has no id or no content");
    const std::uint64_t id = *token.id;
    if (id >= n_at_most) return bad(join("id ", id, " leaves ids before it unused"));
    const bool is_new = data.token_types[id] == 0;
    if (is_added[id] || (!is_new && data.tokens[id] != token.text))
      return bad(join("two tokens have the id ", id));
    is_added[id] = true;
    n_tokens += is_new ? 1 : 0;
    data.tokens[id] = std::move(token.text);
    data.token_types[id] =
        static_cast<std::int32_t>(token.is_special ? TokenType::kControl : TokenType::kUserDefined);
    if (token.is_normalized) data.second_pass_ids.push_back(static_cast<std::int32_t>(id));
  }
  for (std::size_t id = 0; id < n_tokens; ++id)
    if (data.token_types[id] == 0) return bad(join("no token has the id ", id));
  data.tokens.resize(n_tokens);
  data.token_types.resize(n_tokens);
  return Status::ok();
}

std::int64_t id_of(const VocabularyData& data, std::string_view text) {
  for (std::size_t id = 0; id < data.tokens.size(); ++id)
    if (data.tokens[id] == text) return static_cast<std::int64_t>(id);
  return -1;
}

// The token that the post-processor puts before a text, or nullptr.
const std::string* post_processor_bos(const TokenizerJson& json) {
  const std::string roots[] = {"post_processor", "post_processor.processors.0",
                               "post_processor.processors.1"};
  for (const std::string& root : roots)
    if (json.is(root + ".type", "TemplateProcessing"))
      return json.find(root + ".single.0.SpecialToken.id");
  return nullptr;
}

// A token that the configuration names must exist.
Status set_id(const VocabularyData& data, const std::string* text, const char* name,
              std::int64_t& id) {
  if (text == nullptr) return Status::ok();
  id = id_of(data, *text);
  if (id >= 0) return Status::ok();
  return Status(StatusCode::kBadFile, join("tokenizer_config.json: the ", name, " '",
                                           text->substr(0, 64), "' is no token"));
}

}  // namespace

Result<VocabularyData> vocabulary_from_json(std::string_view json_text,
                                            std::string_view tokenizer_config_json) {
  TokenizerJson json;
  NEMO_TRY(json.read(json_text, "tokenizer.json"));
  TokenizerConfigJson config;
  if (!tokenizer_config_json.empty())
    NEMO_TRY(config.read(tokenizer_config_json, "tokenizer_config.json"));
  NEMO_TRY(check_settings(json));

  VocabularyData data;
  NEMO_TRY(place_tokens(json, data));
  data.merges = std::move(json.merges);
  data.ignore_merges = json.is("model.ignore_merges", "true");
  data.pre = "tekken";
  const std::string* first = post_processor_bos(json);
  const bool config_is_silent = config.is_unset_or("add_bos_token", "");
  data.add_bos = config_is_silent ? first != nullptr : config.is("add_bos_token", "true");
  const std::string* bos = config.token_text("bos_token");
  if (bos == nullptr) bos = first;
  NEMO_TRY(set_id(data, bos, "bos_token", data.bos_id));
  NEMO_TRY(set_id(data, config.token_text("eos_token"), "eos_token", data.eos_id));
  if (data.bos_id < 0) data.bos_id = id_of(data, "<s>");
  return data;
}

Result<Tokenizer> Tokenizer::from_json(std::string_view json_text,
                                       std::string_view tokenizer_config_json) {
  NEMO_ASSIGN(VocabularyData data, vocabulary_from_json(json_text, tokenizer_config_json));
  return from_vocabulary(std::move(data));
}

}  // namespace nemotron
