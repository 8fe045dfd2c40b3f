// Runs a model over a text and adds up what its matrices read.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "backend/backend.h"
#include "base/result.h"
#include "convert/importance_matrix.h"
#include "formats/model_file.h"
#include "tokenizer/tokenizer.h"

namespace nemotron {

struct CollectOptions {
  std::uint32_t chunk_tokens = 512;  // each chunk is a sequence of its own
  std::uint32_t max_chunks = 0;      // 0: the whole text
  // Told the tokens done; non-zero cancels. Called on the calling thread.
  std::function<std::int32_t(std::uint64_t done, std::uint64_t total)> progress;
};

// Of every matrix of a layer, as llama.cpp does it: the text is tokenized as such and cut into
// whole chunks, each begun by BOS where the model has one. A text that is shorter is one chunk.
// Sums are the same for any number of threads. The output matrix is left out, as there.
// kInvalidArgument for an empty text, kBadFile when an input is not finite, kCancelled, and what
// loading and evaluating give.
Result<ImportanceMatrix> collect_importance(const ModelFile& file, const Tokenizer& tokenizer,
                                            std::unique_ptr<Backend> backend,
                                            const std::string& text, const CollectOptions& options);

}  // namespace nemotron
