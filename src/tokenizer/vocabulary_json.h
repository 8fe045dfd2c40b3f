// tokenizer.json as data: for those who write it in another form. Who wants a tokenizer calls
// Tokenizer::from_json.
#pragma once

#include <string_view>

#include "base/result.h"
#include "tokenizer/vocabulary_data.h"

namespace nemotron {

// `pre` is "tekken"; add_bos says whether BOS is put before a text. Errors as Tokenizer::from_json,
// which checks more.
Result<VocabularyData> vocabulary_from_json(std::string_view json,
                                            std::string_view tokenizer_config_json);

}  // namespace nemotron
