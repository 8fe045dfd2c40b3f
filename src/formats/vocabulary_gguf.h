// The tokenizer.ggml.* metadata of a GGUF file to VocabularyData.
#pragma once

#include <optional>

#include "base/result.h"
#include "gguf/gguf.h"
#include "tokenizer/vocabulary_data.h"

namespace nemotron {

// Nothing when the file has no tokenizer; kUnsupportedFormat when it has one of another kind than
// byte-level BPE ("gpt2"). What the arrays hold is judged by Tokenizer.
Result<std::optional<VocabularyData>> vocabulary_from_gguf(const GgufFile& file);

}  // namespace nemotron
