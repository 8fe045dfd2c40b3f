// Writer of one safetensors file: the header first, then the tensors' bytes in any order and from
// any thread. The file appears under its name when it is whole.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "io/output_parts.h"
#include "quant/tensor_table.h"

namespace nemotron {

// A safetensors file: the header is written, its parts are the tensors in the order given.
// `tensors`: name, type and shape; places and sizes are filled in here. kInvalidArgument for a
// shape that overflows, a name twice or one that is not UTF-8; kUnsupportedType for a block type,
// which the format has not; kFileWrite.
Result<std::unique_ptr<OutputParts>> create_safetensors(const std::string& path,
                                                        TensorTable tensors);

}  // namespace nemotron
