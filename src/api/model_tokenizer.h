// The tokenizer of an opened model.
#pragma once

#include "base/result.h"
#include "formats/model_file.h"
#include "tokenizer/tokenizer.h"

namespace nemotron::api {

// From a model that has one. What reading it gives; kConfigMismatch when it has more tokens than
// the model.
Result<Tokenizer> make_tokenizer(const ModelFile& file);

}  // namespace nemotron::api
