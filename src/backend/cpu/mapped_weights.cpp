#include "backend/cpu/mapped_weights.h"

#include <algorithm>

#include "backend/cpu/weight_pieces.h"
#include "base/checked_math.h"
#include "io/mapped_bytes.h"

namespace nemotron {

namespace {

constexpr std::uint64_t kBringInBytes = 1u << 20;  // by one thread at once
constexpr std::size_t kTileAlignment = 64;

std::size_t tile_room(const kernels::KernelTable& kernels, TensorType type,
                      std::int64_t n_columns) {
  return round_up(static_cast<std::size_t>(kernels.tile_bytes(type, n_columns)), kTileAlignment);
}

}  // namespace

Result<std::shared_ptr<const std::byte>> mapped_rows(const MatrixSource& source, ThreadPool& pool) {
  const auto total_bytes =
      static_cast<std::uint64_t>(source.n_rows * kernels::row_bytes(source.type, source.n_columns));
  const auto& mapping = source.mapping;
  if (mapping == nullptr || source.mapping_offset > mapping->bytes().size() ||
      total_bytes > mapping->bytes().size() - source.mapping_offset)
    return Status(StatusCode::kInternal, "a mapped tensor lies outside its mapping");
  const auto n_items = static_cast<std::int64_t>(ceil_div(total_bytes, kBringInBytes));
  NEMO_TRY(for_all(source, pool, n_items, kBringInBytes, total_bytes, [&](std::int64_t i, int) {
    const std::uint64_t done = static_cast<std::uint64_t>(i) * kBringInBytes;
    return mapping->bring_in(source.mapping_offset + done,
                             std::min(kBringInBytes, total_bytes - done));
  }));
  return std::shared_ptr<const std::byte>(mapping, mapping->bytes().data() + source.mapping_offset);
}

std::size_t mapped_scratch_bytes(const kernels::KernelTable& kernels, TensorType type,
                                 std::int64_t n_columns) {
  return tile_room(kernels, type, n_columns) +
         round_up(static_cast<std::size_t>(kernels.linear_scratch_bytes(type, n_columns)),
                  kTileAlignment);
}

void linear_from_rows(const kernels::KernelTable& kernels, const kernels::LinearParams& p,
                      std::int64_t first, std::int64_t last, std::byte* scratch) {
  const std::int64_t row = kernels::row_bytes(p.type, p.n_in);
  std::byte* behind_tile = scratch + tile_room(kernels, p.type, p.n_in);
  kernels::LinearParams tile = p;
  tile.weight = scratch;
  for (std::int64_t j = first; j < last; j += kernels::kTileRows) {
    const std::byte* rows = static_cast<const std::byte*>(p.weight) + j * row;
    const bool is_followed = j + 2 * kernels::kTileRows <= last;
    tile.n_out = std::min(kernels::kTileRows, last - j);
    tile.y = p.y + j;
    kernels.pack_tile({p.type, rows, tile.n_out, p.n_in, scratch,
                       is_followed ? rows + kernels::kTileRows * row : nullptr});
    kernels.linear(tile, 0, tile.n_out, behind_tile);
  }
}

}  // namespace nemotron
