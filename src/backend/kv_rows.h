// Keys and values between the order of KV blocks (kernels/common/attention_params.h) and that of a
// saved session. Numbers are moved, never converted.
#pragma once

#include <cstddef>
#include <span>

#include "backend/backend.h"

namespace nemotron {

// The first rows of the part, as many as `rows` has room for: a whole number, at most a block's.
void rows_from_block(const KvPart& part, const std::byte* block, std::span<std::byte> rows);
void rows_to_block(const KvPart& part, std::span<const std::byte> rows, std::byte* block);

}  // namespace nemotron
