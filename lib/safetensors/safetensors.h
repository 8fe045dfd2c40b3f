// Reader of one safetensors file: the table of tensors out of its JSON header. It knows no model,
// reads no weights and no index of shards. The file is taken for hostile.
#pragma once

#include "base/result.h"
#include "io/data_source.h"
#include "quant/tensor_table.h"

namespace nemotron {

// Whether the file begins as a safetensors file does: a plausible header length, then '{'.
// kFileRead, kFileChanged where the first bytes cannot be read.
Result<bool> looks_like_safetensors(const DataSource& source);

// Tensors in the order of their bytes. kUnsupportedType for an element type that is none of F32,
// F16, BF16, F8_E4M3; otherwise kBadFile with the offset of what is wrong.
Result<TensorTable> read_safetensors(const DataSource& source);

}  // namespace nemotron
