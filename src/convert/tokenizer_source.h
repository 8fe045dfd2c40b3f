// The tokenizer of a model, on its way into another file.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "convert/config_files.h"
#include "formats/model_file.h"
#include "gguf/gguf.h"
#include "gguf/gguf_writer.h"
#include "tokenizer/vocabulary_data.h"

namespace nemotron {

class TokenizerSource {
 public:
  TokenizerSource() = default;  // of a model without a tokenizer

  // `path`: a folder with tokenizer.json, or a GGUF file. kFileNotFound, and what reading gives.
  static Result<TokenizerSource> read(const std::string& path);
  static TokenizerSource of(const TokenizerFiles& files);  // tokenizer.json and its companions
  static TokenizerSource of(const GgufFile& file);

  // As GGUF keys; unused tokens fill the vocabulary up to the model's. kConfigMismatch when there
  // are more tokens than `n_vocab`.
  Status add_to(GgufMetadata& metadata, int n_vocab) const;
  // As the files beside safetensors. kUnsupportedFormat for a GGUF's tokenizer; kConfigMismatch.
  Status add_to(std::vector<TextFile>& files, int n_vocab) const;

 private:
  Result<VocabularyData> parse() const;  // what files_ say

  std::vector<TextFile> files_;
  std::map<std::string, GgufValue, std::less<>> gguf_keys_;
};

}  // namespace nemotron
