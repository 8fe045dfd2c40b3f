// Text to token ids and back, for the vocabularies of the nemotron_h family: byte-level BPE after
// the Tekken pre-tokenizer. Ids equal those of Hugging Face `tokenizers` on valid UTF-8; any other
// bytes are tokenised too, and decode(encode(x)) == x for all of them.
//
// Constant once built and set up: const methods may be called from any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bpe/bpe_model.h"
#include "bpe/tekken_split.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/vocabulary_data.h"

namespace nemotron {

// Bytes [begin, end) of a text.
struct TextRange {
  std::size_t begin;
  std::size_t end;
};

class Tokenizer {
 public:
  // From a file's vocabulary. Refused with a sentence: another pre-tokenizer, duplicate tokens,
  // merges of unknown tokens, ids out of range, a byte without a token.
  //
  // BOS: `pre` is the name that the GGUF converter gives a tokenizer by the ids it makes of a check
  // text. "tekken" is the one that puts <s> before that text, "pixtral" the one with the same
  // pieces and no <s>. The converter nevertheless writes add_bos_token = true beside "pixtral" for
  // dense models, so the name is believed and the flag is not: "pixtral" never adds BOS, "tekken"
  // does unless the flag says no. Files of the family written as "pixtral" are cut by the Tekken
  // expression, with which the models were trained.
  static Result<Tokenizer> from_vocabulary(VocabularyData&& data);

  // From the text of a Hugging Face tokenizer.json and, where there is one, of the
  // tokenizer_config.json beside it (BOS and EOS; empty otherwise). BOS is added when the
  // configuration's add_bos_token says so or, if it says nothing, when the post-processor does.
  static Result<Tokenizer> from_json(std::string_view json, std::string_view tokenizer_config_json);

  // Cuts text as llama.cpp does for GGUF files of this family (bpe/llama3_split.h), in place of the
  // expression that the models were trained with.
  void use_llama3_split();

  // Appends the ids of `text` (any bytes, below 2 GiB) to `ids`; no BOS. With `parse_special` the
  // added tokens in the text become their ids; without, they are text like any other.
  Status encode(std::string_view text, bool parse_special, std::vector<std::int32_t>& ids) const;

  // The same, with added tokens recognised only where they lie within one of the ranges, which
  // ascend and do not overlap; ranges that touch count as one. What lies between two recognised
  // tokens is one run of text, whether in a range or not.
  Status encode(std::string_view text, std::span<const TextRange> special_ranges,
                std::vector<std::int32_t>& ids) const;

  // Appends the bytes of the tokens to `text`, which need not be UTF-8 if the tokens were cut out
  // of a longer sequence. `skip_control` leaves out the tokens of which is_control is true. An id
  // out of range is kInvalidToken, and `text` is unchanged.
  Status decode(std::span<const std::int32_t> ids, bool skip_control, std::string& text) const;

  // The bytes that one token stands for; empty for an id out of range.
  std::string_view token_bytes(std::int32_t id) const;

  // Whether the token steers the model and is no part of its message: <|im_start|>, <|im_end|>,
  // <s>, </s>, <unk>, <SPECIAL_n> and the like: all that the file calls control, unknown or unused
  // (special in tokenizer.json), but not the tags <think>, <tool_call>, <tool_response>, <TOOLCALL>
  // and their closing ones, because those who parse a reply must see them whatever the file calls
  // them.
  bool is_control(std::int32_t id) const;

  // The added token with this text, else the token with these bytes, else -1.
  std::int32_t token_id(std::string_view text) const;

  std::int32_t n_vocab() const { return static_cast<std::int32_t>(is_control_.size()); }
  bool is_valid(std::int32_t id) const { return id >= 0 && id < n_vocab(); }

  // Whether a sequence of this model begins with bos_id(); false for Nemotron 3.
  bool adds_bos() const { return adds_bos_; }
  std::int32_t bos_id() const { return bos_id_; }  // -1: none
  std::int32_t eos_id() const { return eos_id_; }  // -1: none

  // The tokens that end a reply, ascending: EOS, the file's further ones, and what of
  // <|im_end|>, </s> and <SPECIAL_12> (Nano v2) it has.
  std::span<const std::int32_t> stop_ids() const { return stop_ids_; }
  // Adds what the model's configuration says ends a reply; ids out of range are passed over, since
  // configurations of trimmed models state them.
  void add_stop_ids(std::span<const int> ids);

 private:
  explicit Tokenizer(BpeModel bpe) : bpe_(std::move(bpe)) {}

  void encode_run(std::string_view text, std::vector<std::int32_t>& ids, BpeScratch& scratch) const;
  Status set_special_ids(const VocabularyData& data);
  void sort_stop_ids();

  BpeModel bpe_;
  std::size_t (*piece_length_)(std::string_view text) = tekken_piece_length;
  // Tokens recognised first, and those recognised in what the first leave.
  AddedTokens added_;
  AddedTokens second_added_;
  std::vector<bool> is_control_;  // [n_vocab]
  std::vector<std::int32_t> stop_ids_;
  std::int32_t bos_id_ = -1;
  std::int32_t eos_id_ = -1;
  bool adds_bos_ = false;
};

}  // namespace nemotron
