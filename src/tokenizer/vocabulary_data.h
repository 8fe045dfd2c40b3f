// A byte-level BPE vocabulary as a model file states it, before anything is checked: what
// src/formats fills from GGUF metadata and what from_json fills from tokenizer.json. Tokenizer
// checks all of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nemotron {

// The numbers of GGUF's tokenizer.ggml.token_type.
enum class TokenType : std::int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

struct VocabularyData {
  // tokenizer.ggml.tokens: by id. Normal and byte tokens in the GPT-2 byte alphabet, all others
  // literally.
  std::vector<std::string> tokens;
  // tokenizer.ggml.token_type: a TokenType per id; empty means that all are normal.
  std::vector<std::int32_t> token_types;
  // tokenizer.ggml.merges: "left right" in the GPT-2 byte alphabet, first merge first.
  std::vector<std::string> merges;
  // tokenizer.ggml.pre: "pixtral" or "tekken"; anything else is refused.
  std::string pre;
  // tokenizer.ggml.{bos,eos,unknown}_token_id; -1 where the file has none.
  std::int64_t bos_id = -1;
  std::int64_t eos_id = -1;
  std::int64_t unknown_id = -1;
  // Further ids that end a reply (eos_token_id of config.json may be a list).
  std::vector<std::int64_t> extra_stop_ids;
  // tokenizer.ggml.add_bos_token; empty where the file has none. Not believed where pre is
  // "pixtral": see Tokenizer::from_vocabulary.
  std::optional<bool> add_bos;
  // A piece that is a token as a whole is that token, without regard to the merges. GGUF has no
  // key for it; the Tekken vocabularies set it.
  bool ignore_merges = true;
  // Added tokens that tokenizer.json marks "normalized": they are looked for in what the other
  // added tokens leave. GGUF has no key for it.
  std::vector<std::int32_t> second_pass_ids;
};

}  // namespace nemotron
