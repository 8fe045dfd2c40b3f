// From a path, or from blocks of memory, to a ModelFile. What a file of weights is, its first bytes
// say, not its name; the small files beside a safetensors file are known by their names.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"
#include "formats/model_file.h"

namespace nemotron {

// `path`: a GGUF file; a safetensors file; the index of a model in several safetensors files, or
// any one of these; or a folder that holds one such model. config.json must lie beside safetensors;
// tokenizer.json, tokenizer_config.json, chat_template.jinja and generation_config.json are read
// where they exist.
Result<ModelFile> open_model(const std::string& path);

struct NamedBytes {
  std::string name;  // as a file's name; folders before it are ignored
  std::span<const std::byte> bytes;
};

// The same from memory: one block with the weights, or several and their index, and for safetensors
// the small files. The blocks are borrowed and must outlive the ModelFile.
Result<ModelFile> open_model_from_memory(std::span<const NamedBytes> files);

}  // namespace nemotron
