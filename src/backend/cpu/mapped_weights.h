// Weights that stay where a file's mapping has them: nothing is kept of them but the address. A
// product packs a tile when it comes to it, into a thread's scratch, and multiplies that by the
// level's own kernel; so its bytes are those of a product with weights that were packed at load.
#pragma once

#include <cstddef>
#include <memory>

#include "backend/tensor.h"
#include "base/result.h"
#include "kernels/cpu/kernel_table.h"
#include "threading/thread_pool.h"

namespace nemotron {

// The rows of a mapped source, all of them in memory once it returns. What source.progress and
// MappedBytes::bring_in() return.
Result<std::shared_ptr<const std::byte>> mapped_rows(const MatrixSource& source, ThreadPool& pool);

// Of `linear_from_rows`, for one thread: a tile, and behind it what the level's `linear` wants.
std::size_t mapped_scratch_bytes(const kernels::KernelTable& kernels, TensorType type,
                                 std::int64_t n_columns);

// KernelTable::linear where p.weight is rows as in a file, [n_out, n_in], at any address.
void linear_from_rows(const kernels::KernelTable& kernels, const kernels::LinearParams& p,
                      std::int64_t first, std::int64_t last, std::byte* scratch);

}  // namespace nemotron
