// Which files of a repository make a model that can be opened: a GGUF file (or the parts of one),
// or safetensors with the configuration and the tokenizer beside them. Nothing else is downloaded.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "hub/listing.h"

namespace nemotron::hub {

struct Choice {
  std::vector<RepoFile> files;  // small ones first, weights last
  std::string entry;            // the path of the one to open; it finds the others beside it
};

// `wanted` is the path of a file, or a word of a GGUF file's name ("Q4_K_M"), or empty: then there
// must be one model to choose. All paths of the choice are checked. kFileNotFound and
// kInvalidArgument list what there is; kBadFile.
Result<Choice> choose_files(std::span<const RepoFile> files, const std::string& wanted);

}  // namespace nemotron::hub
