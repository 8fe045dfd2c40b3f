// A head of a part consists of planes: numbers of one size, n_channels for each position. In the
// block a plane of keys lies [n_channels, 64], one of values [64, n_channels]; in a row the planes
// of a head follow one another.
#include "backend/kv_rows.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace nemotron {

namespace {

using kernels::kKvBlockTokens;

struct Plane {
  std::int64_t element_bytes = 0;
  std::int64_t n_channels = 0;
  bool is_interleaved = false;
};

struct Planes {
  std::array<Plane, 2> planes;
  std::size_t n = 0;
};

Planes planes_of(const KvPart& part) {
  const std::int64_t n = part.layout.head_dim;
  if (part.layout.type == KvType::kQ8)
    return {{Plane{1, n, false}, Plane{2, n / kernels::kKvScaleChannels, false}}, 2};
  // Values are never interleaved: GGUF permutes q and k alone.
  const bool is_interleaved = part.is_interleaved && !part.is_values;
  return {{Plane{part.layout.type == KvType::kF32 ? 4 : 2, n, is_interleaved}}, 1};
}

// Where the block keeps channel c of a row.
std::int64_t stored_channel(const Plane& plane, std::int64_t c) {
  if (!plane.is_interleaved) return c;
  const std::int64_t half = plane.n_channels / 2;
  return c % half * 2 + c / half;
}

// Tile by tile, so that both sides stay in the first cache.
template <typename Element>
void move_keys(const Plane& plane, std::int64_t n_rows, std::size_t row_bytes, std::byte* to,
               const std::byte* from, bool is_to_block) {
  constexpr std::int64_t kTileChannels = 32;
  for (std::int64_t first = 0; first < plane.n_channels; first += kTileChannels) {
    const std::int64_t last = std::min(first + kTileChannels, plane.n_channels);
    for (std::int64_t t = 0; t < n_rows; ++t)
      for (std::int64_t c = first; c < last; ++c) {
        const std::size_t at_block =
            static_cast<std::size_t>(stored_channel(plane, c) * kKvBlockTokens + t) *
            sizeof(Element);
        const std::size_t at_row =
            static_cast<std::size_t>(t) * row_bytes + static_cast<std::size_t>(c) * sizeof(Element);
        std::memcpy(to + (is_to_block ? at_block : at_row),
                    from + (is_to_block ? at_row : at_block), sizeof(Element));
      }
  }
}

void move_plane(const KvPart& part, const Plane& plane, std::int64_t n_rows, std::byte* to,
                const std::byte* from, bool is_to_block) {
  const std::size_t row_bytes = part.row_bytes();
  if (part.is_values) {
    const auto n = static_cast<std::size_t>(plane.n_channels * plane.element_bytes);
    const std::size_t to_step = is_to_block ? n : row_bytes;
    const std::size_t from_step = is_to_block ? row_bytes : n;
    for (std::int64_t t = 0; t < n_rows; ++t, to += to_step, from += from_step)
      std::memcpy(to, from, n);
  } else if (plane.element_bytes == 4) {
    move_keys<std::uint32_t>(plane, n_rows, row_bytes, to, from, is_to_block);
  } else if (plane.element_bytes == 2) {
    move_keys<std::uint16_t>(plane, n_rows, row_bytes, to, from, is_to_block);
  } else {
    move_keys<std::uint8_t>(plane, n_rows, row_bytes, to, from, is_to_block);
  }
}

// Calls move(plane, at_block, at_row) for every plane of every head.
template <typename Move>
void for_each_plane(const KvPart& part, const Move& move) {
  const Planes planes = planes_of(part);
  auto at_block = static_cast<std::size_t>((2 * part.layer + (part.is_values ? 1 : 0)) *
                                           part.layout.part_bytes());
  std::size_t at_row = 0;
  for (std::int64_t head = 0; head < part.layout.n_kv_heads; ++head)
    for (std::size_t i = 0; i < planes.n; ++i) {
      const Plane& plane = planes.planes[i];
      move(plane, at_block, at_row);
      at_block += static_cast<std::size_t>(plane.n_channels * plane.element_bytes * kKvBlockTokens);
      at_row += static_cast<std::size_t>(plane.n_channels * plane.element_bytes);
    }
}

std::int64_t n_rows_in(const KvPart& part, std::size_t size_bytes) {
  return static_cast<std::int64_t>(size_bytes / part.row_bytes());
}

}  // namespace

void rows_from_block(const KvPart& part, const std::byte* block, std::span<std::byte> rows) {
  const std::int64_t n_rows = n_rows_in(part, rows.size());
  for_each_plane(part, [&](const Plane& plane, std::size_t at_block, std::size_t at_row) {
    move_plane(part, plane, n_rows, rows.data() + at_row, block + at_block, false);
  });
}

void rows_to_block(const KvPart& part, std::span<const std::byte> rows, std::byte* block) {
  const std::int64_t n_rows = n_rows_in(part, rows.size());
  for_each_plane(part, [&](const Plane& plane, std::size_t at_block, std::size_t at_row) {
    move_plane(part, plane, n_rows, block + at_block, rows.data() + at_row, true);
  });
}

}  // namespace nemotron
