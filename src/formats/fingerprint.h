// A number that tells one model from another: what its configuration says, which tensors it has,
// and how each of them begins. The same for one file and for its shards, wherever it lies.
#pragma once

#include <cstdint>

#include "formats/model_file.h"

namespace nemotron {

// XXH3 of the configuration, of name, type and shape of each tensor in the order of their names,
// and of its first 64 KiB. As ModelFile::read_raw().
Result<std::uint64_t> fingerprint_of(const ModelFile& file);

}  // namespace nemotron
