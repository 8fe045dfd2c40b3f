// Makes a Tokenizer out of what a file states, and checks all of it.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "bpe/byte_alphabet.h"
#include "tokenizer/tokenizer.h"

namespace nemotron {

namespace {

constexpr std::size_t kMaxVocabulary = std::size_t{1} << 24;
// Several times the longest in use (256 blanks). At each place of a text the added tokens that
// begin there are compared up to their length.
constexpr std::size_t kMaxTokenBytes = 4096;
constexpr const char* kCrowded = "has the same hash as too many others";

// Tags that are part of a message even if the file calls them special.
constexpr std::string_view kMessageTags[] = {"<think>",      "</think>",        "<tool_call>",
                                             "</tool_call>", "<tool_response>", "</tool_response>",
                                             "<TOOLCALL>",   "</TOOLCALL>"};

Status bad_token(std::size_t id, const char* what) {
  return Status(StatusCode::kBadFile, join("token ", id, " of the vocabulary ", what));
}

Status check_counts(const VocabularyData& data) {
  if (data.pre != "tekken" && data.pre != "pixtral")
    return Status(StatusCode::kUnsupportedFormat,
                  join("the pre-tokenizer '", data.pre.substr(0, 64),
                       "' is not known; this library knows 'pixtral' and 'tekken'"));
  if (data.tokens.empty() || data.tokens.size() > kMaxVocabulary)
    return Status(StatusCode::kBadFile, join("a vocabulary of ", data.tokens.size(),
                                             " tokens; 1 to ", kMaxVocabulary, " are possible"));
  if (!data.token_types.empty() && data.token_types.size() != data.tokens.size())
    return Status(StatusCode::kBadFile, join(data.token_types.size(), " token types for ",
                                             data.tokens.size(), " tokens"));
  return Status::ok();
}

// The type of each token, known to be one.
Result<std::vector<TokenType>> read_types(const VocabularyData& data) {
  std::vector<TokenType> types(data.tokens.size(), TokenType::kNormal);
  for (std::size_t id = 0; id < data.token_types.size(); ++id) {
    const std::int32_t number = data.token_types[id];
    if (number < 1 || number > 6)
      return Status(StatusCode::kBadFile, join("token ", id, " has the unknown type ", number));
    types[id] = static_cast<TokenType>(number);
  }
  return types;
}

bool is_piece(TokenType type) { return type == TokenType::kNormal || type == TokenType::kByte; }

// The bytes of all tokens. Pieces of text can be found; so can a user-defined token, unless a piece
// has the same bytes. Control, unknown and unused tokens cannot: no text becomes one by its bytes.
Result<TokenTable> make_table(const std::vector<std::string>& tokens,
                              const std::vector<TokenType>& types) {
  std::size_t n_bytes = 0;
  for (const std::string& token : tokens) n_bytes += token.size();
  TokenTable table;
  table.reserve(tokens.size(), n_bytes);
  std::string bytes;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].empty()) return bad_token(id, "is empty");
    if (tokens[id].size() > kMaxTokenBytes) return bad_token(id, "is too long");
    if (!is_piece(types[id])) {
      table.append(tokens[id]);
      continue;
    }
    if (!bytes_from_alphabet(tokens[id], bytes))
      return bad_token(id, "is not written in the byte alphabet");
    table.append(bytes);
    if (!table.make_findable(static_cast<std::int32_t>(id)))
      return bad_token(id, table.is_crowded() ? kCrowded : "is the same as an earlier one");
  }
  for (std::size_t id = 0; id < tokens.size(); ++id)
    if (types[id] == TokenType::kUserDefined &&
        !table.make_findable(static_cast<std::int32_t>(id)) && table.is_crowded())
      return bad_token(id, kCrowded);
  return table;
}

struct AddedLists {
  std::vector<AddedTokens::Entry> first, second;
};

// The tokens to be taken out of the text verbatim.
Result<AddedLists> list_added(const VocabularyData& data, const std::vector<TokenType>& types) {
  std::vector<bool> is_second(types.size(), false);
  for (const std::int32_t id : data.second_pass_ids) {
    if (id < 0 || static_cast<std::size_t>(id) >= types.size())
      return Status(StatusCode::kBadFile, join("added token ", id, " is not in the vocabulary"));
    is_second[id] = true;
  }
  AddedLists lists;
  std::vector<std::string_view> texts;
  for (std::size_t id = 0; id < types.size(); ++id) {
    if (is_piece(types[id]) || types[id] == TokenType::kUnused) continue;
    texts.push_back(data.tokens[id]);
    (is_second[id] ? lists.second : lists.first)
        .push_back({data.tokens[id], static_cast<std::int32_t>(id)});
  }
  std::sort(texts.begin(), texts.end());
  if (std::adjacent_find(texts.begin(), texts.end()) != texts.end())
    return Status(StatusCode::kBadFile, "two added tokens of the vocabulary have the same text");
  return lists;
}

}  // namespace

Result<Tokenizer> Tokenizer::from_vocabulary(VocabularyData&& data) {
  NEMO_TRY(check_counts(data));
  NEMO_ASSIGN(const std::vector<TokenType> types, read_types(data));
  NEMO_ASSIGN(AddedLists added, list_added(data, types));
  NEMO_ASSIGN(TokenTable table, make_table(data.tokens, types));
  NEMO_ASSIGN(BpeModel bpe, BpeModel::create(std::move(table), data.merges, data.ignore_merges));
  Tokenizer tokenizer(std::move(bpe));
  tokenizer.added_ = AddedTokens(std::move(added.first));
  tokenizer.second_added_ = AddedTokens(std::move(added.second));
  tokenizer.is_control_.resize(types.size());
  for (std::size_t id = 0; id < types.size(); ++id)
    tokenizer.is_control_[id] = !is_piece(types[id]) && types[id] != TokenType::kUserDefined &&
                                std::find(std::begin(kMessageTags), std::end(kMessageTags),
                                          data.tokens[id]) == std::end(kMessageTags);
  NEMO_TRY(tokenizer.set_special_ids(data));
  return tokenizer;
}

Status Tokenizer::set_special_ids(const VocabularyData& data) {
  const auto check = [&](std::int64_t id, const char* name) {
    if (id >= -1 && id < n_vocab()) return Status::ok();
    return Status(StatusCode::kBadFile, join("the ", name, " token id ", id,
                                             " is outside the vocabulary of ", n_vocab()));
  };
  NEMO_TRY(check(data.bos_id, "BOS"));
  NEMO_TRY(check(data.eos_id, "EOS"));
  NEMO_TRY(check(data.unknown_id, "unknown"));
  bos_id_ = static_cast<std::int32_t>(data.bos_id);
  eos_id_ = static_cast<std::int32_t>(data.eos_id);
  adds_bos_ = bos_id_ >= 0 && data.pre == "tekken" && data.add_bos.value_or(true);
  for (const std::int64_t id : data.extra_stop_ids) {
    NEMO_TRY(check(id, "stop"));
    stop_ids_.push_back(static_cast<std::int32_t>(id));
  }
  stop_ids_.push_back(eos_id_);
  stop_ids_.push_back(added_.find("<|im_end|>"));
  stop_ids_.push_back(added_.find("</s>"));
  // How Nano v2 ends a turn; in Nemotron 3 that id is <think>, and the name does not occur.
  stop_ids_.push_back(added_.find("<SPECIAL_12>"));
  std::erase(stop_ids_, -1);
  sort_stop_ids();
  return Status::ok();
}

void Tokenizer::add_stop_ids(std::span<const int> ids) {
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(stop_ids_),
               [this](int id) { return is_valid(id); });
  sort_stop_ids();
}

void Tokenizer::sort_stop_ids() {
  std::sort(stop_ids_.begin(), stop_ids_.end());
  stop_ids_.erase(std::unique(stop_ids_.begin(), stop_ids_.end()), stop_ids_.end());
}

}  // namespace nemotron
