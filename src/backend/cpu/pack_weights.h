// Reading a weight from its file into the form that a kernel level wants, on all threads.
#pragma once

#include "backend/tensor.h"
#include "io/page_buffer.h"
#include "kernels/cpu/kernel_table.h"
#include "threading/thread_pool.h"

namespace nemotron {

// Bytes that the matrix takes in memory in that form; none where it stays in its mapping.
std::uint64_t stored_bytes(const MatrixSource& source, const kernels::KernelTable& kernels);

// Fills `memory` (stored_bytes, zeroed); `host` gives room for what is read. What source.read and
// source.progress return; kOutOfMemory.
Status pack_weights(const MatrixSource& source, const kernels::KernelTable& kernels,
                    ThreadPool& pool, const HostMemory& host, std::byte* memory);

}  // namespace nemotron
