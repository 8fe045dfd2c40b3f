// A straight copy, with the checks of form that VocabularyData cannot express.
#include "formats/vocabulary_gguf.h"

#include <limits>

#include "base/text.h"

namespace nemotron {
namespace {

constexpr std::string_view kModelKey = "tokenizer.ggml.model";
constexpr std::string_view kTokensKey = "tokenizer.ggml.tokens";
constexpr std::string_view kTypesKey = "tokenizer.ggml.token_type";
constexpr std::string_view kMergesKey = "tokenizer.ggml.merges";
constexpr std::string_view kPreKey = "tokenizer.ggml.pre";
constexpr std::string_view kAddBosKey = "tokenizer.ggml.add_bos_token";

// A string object costs four times what an empty string costs in the file, so their number is
// bounded; the largest vocabularies in use have 0.3 million tokens and as many merges.
constexpr std::uint64_t kMaxEntries = 1 << 22;

Status check_sizes(const GgufFile& file) {
  for (const std::string_view key : {kTokensKey, kTypesKey, kMergesKey}) {
    const GgufValue* value = file.find(key);
    if (value != nullptr && value->size() > kMaxEntries)
      return {StatusCode::kBadFile, join("metadata '", key, "' has ", value->size(),
                                         " elements; at most ", kMaxEntries, " are allowed")};
  }
  return Status::ok();
}

Status read_token_types(const GgufFile& file, std::vector<std::int32_t>& out) {
  if (file.find(kTypesKey) == nullptr) return Status::ok();
  NEMO_ASSIGN(const auto types, file.get_ints(kTypesKey));
  out.reserve(types.size());
  for (const std::int64_t type : types) {
    if (type < 0 || type > std::numeric_limits<std::int32_t>::max())
      return {StatusCode::kBadFile, join("metadata '", kTypesKey, "' holds ", type)};
    out.push_back(static_cast<std::int32_t>(type));
  }
  return Status::ok();
}

Status read_token_id(const GgufFile& file, std::string_view key, std::int64_t& out) {
  constexpr std::uint64_t kNone = 0xffffffffu;
  if (file.find(key) == nullptr) return Status::ok();
  NEMO_ASSIGN(const std::uint64_t id, file.get_uint(key));
  if (id < kNone) out = static_cast<std::int64_t>(id);
  return Status::ok();
}

}  // namespace

Result<std::optional<VocabularyData>> vocabulary_from_gguf(const GgufFile& file) {
  if (file.find(kModelKey) == nullptr) return std::optional<VocabularyData>();
  NEMO_ASSIGN(const std::string model, file.get_string(kModelKey));
  if (model == "none" || model == "no_vocab") return std::optional<VocabularyData>();
  if (model != "gpt2")
    return Status{StatusCode::kUnsupportedFormat, join("the tokenizer is of kind '", model,
                                                       "'; only 'gpt2' (byte-level BPE) is "
                                                       "supported")};
  NEMO_TRY(check_sizes(file));
  VocabularyData data;
  NEMO_ASSIGN(data.tokens, file.get_strings(kTokensKey));
  NEMO_TRY(read_token_types(file, data.token_types));
  if (file.find(kMergesKey) != nullptr) {
    NEMO_ASSIGN(data.merges, file.get_strings(kMergesKey));
  }
  if (file.find(kPreKey) != nullptr) {
    NEMO_ASSIGN(data.pre, file.get_string(kPreKey));
  }
  NEMO_TRY(read_token_id(file, "tokenizer.ggml.bos_token_id", data.bos_id));
  NEMO_TRY(read_token_id(file, "tokenizer.ggml.eos_token_id", data.eos_id));
  NEMO_TRY(read_token_id(file, "tokenizer.ggml.unknown_token_id", data.unknown_id));
  if (file.find(kAddBosKey) != nullptr) {
    NEMO_ASSIGN(data.add_bos, file.get_bool(kAddBosKey));
  }
  return std::optional<VocabularyData>(std::move(data));
}

}  // namespace nemotron
