// A model's configuration and tokenizer as GGUF metadata, with the keys that the public converter
// writes: those that llama.cpp asks for, the meaningless rope keys among them.
#pragma once

#include <string_view>

#include "convert/file_type.h"
#include "gguf/gguf_writer.h"
#include "model/config.h"
#include "tokenizer/vocabulary_data.h"

namespace nemotron {

void add_architecture(const ModelConfig& config, std::string_view name, GgufMetadata& metadata);
void add_file_type(FileType type, GgufMetadata& metadata);
void add_vocabulary(const VocabularyData& data, std::string_view chat_template,
                    GgufMetadata& metadata);
// For a file that is used with token ids only: "none", which llama.cpp asks for.
void add_no_vocabulary(GgufMetadata& metadata);

}  // namespace nemotron
