#include "backend/cpu/pack_weights.h"

#include <algorithm>

#include "backend/cpu/weight_pieces.h"
#include "base/checked_math.h"
#include "io/page_buffer.h"

namespace nemotron {

namespace {

constexpr std::uint64_t kReadBytes = 1u << 20;  // one read of rows that keep their form

Status copy_rows(const MatrixSource& source, ThreadPool& pool, std::uint64_t total_bytes,
                 std::byte* memory) {
  const auto n_reads = static_cast<std::int64_t>(ceil_div(total_bytes, kReadBytes));
  return for_all(source, pool, n_reads, kReadBytes, total_bytes, [&](std::int64_t i, int) {
    const std::uint64_t offset = static_cast<std::uint64_t>(i) * kReadBytes;
    return source.read(offset, {memory + offset, std::min(kReadBytes, total_bytes - offset)});
  });
}

}  // namespace

std::uint64_t stored_bytes(const MatrixSource& source, const kernels::KernelTable& kernels) {
  if (source.is_mapped) return 0;
  if (source.use == MatrixUse::kLookup)
    return static_cast<std::uint64_t>(source.n_rows *
                                      kernels::row_bytes(source.type, source.n_columns));
  return static_cast<std::uint64_t>(ceil_div(source.n_rows, kernels::kTileRows) *
                                    kernels.tile_bytes(source.type, source.n_columns));
}

Status pack_weights(const MatrixSource& source, const kernels::KernelTable& kernels,
                    ThreadPool& pool, const HostMemory& host, std::byte* memory) {
  const std::int64_t row = kernels::row_bytes(source.type, source.n_columns);
  const auto total_bytes = static_cast<std::uint64_t>(source.n_rows * row);
  if (source.use == MatrixUse::kLookup) return copy_rows(source, pool, total_bytes, memory);
  const std::int64_t rows_bytes = kernels::kTileRows * row;  // of the source, for one tile
  const std::size_t staging_bytes = round_up(static_cast<std::size_t>(rows_bytes), 64);
  PageBuffer staging =
      PageBuffer::allocate(staging_bytes * static_cast<std::size_t>(pool.n_threads()), host);
  if (!staging.is_valid())
    return {StatusCode::kOutOfMemory, "cannot allocate room for reading weights"};
  const std::int64_t tile_bytes = kernels.tile_bytes(source.type, source.n_columns);
  const std::int64_t n_tiles = ceil_div(source.n_rows, kernels::kTileRows);
  return for_all(
      source, pool, n_tiles, static_cast<std::uint64_t>(rows_bytes), total_bytes,
      [&](std::int64_t tile, int thread) {
        std::byte* rows = staging.data() + staging_bytes * static_cast<std::size_t>(thread);
        const std::int64_t first = tile * kernels::kTileRows;
        const std::int64_t n = std::min(kernels::kTileRows, source.n_rows - first);
        NEMO_TRY(source.read(static_cast<std::uint64_t>(first * row),
                             {rows, static_cast<std::size_t>(n * row)}));
        kernels.pack_tile({source.type, rows, n, source.n_columns, memory + tile * tile_bytes});
        return Status::ok();
      });
}

}  // namespace nemotron
