// The order of saved keys and values, written down as formulas: a row is [n_kv_heads, head_dim].
#include "backend/kv_rows.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

using namespace nemotron;

namespace {

constexpr std::int64_t kLayers = 2, kHeads = 3, kHeadDim = 40, kBlock = kernels::kKvBlockTokens;

// A block whose element i, counted from its beginning, is i + 1.
template <typename Element>
std::vector<Element> numbered_block() {
  std::vector<Element> block(kLayers * 2 * kHeads * kHeadDim * kBlock);
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<Element>(i + 1);
  return block;
}

// Where attention_params.h puts this number.
std::int64_t place(const KvPart& part, std::int64_t head, std::int64_t channel, std::int64_t t) {
  const std::int64_t first =
      ((part.layer * 2 + (part.is_values ? 1 : 0)) * kHeads + head) * kHeadDim;
  if (part.is_values) return first * kBlock + t * kHeadDim + channel;
  // GGUF: row half * 20 + i of the published order is row 2 i + half.
  if (part.is_interleaved) channel = channel < 20 ? 2 * channel : 2 * (channel - 20) + 1;
  return (first + channel) * kBlock + t;
}

template <typename Element>
void check_type(KvType type) {
  const std::vector<Element> block = numbered_block<Element>();
  std::vector<Element> rebuilt(block.size());
  const bool is_interleaved = GENERATE(false, true);
  const std::int64_t n_rows = GENERATE(1, 37, 64);
  for (std::int64_t layer = 0; layer < kLayers; ++layer)
    for (const bool is_values : {false, true}) {
      const KvPart part{{kLayers, kHeads, kHeadDim, type}, layer, is_values, is_interleaved};
      std::vector<Element> rows(static_cast<std::size_t>(n_rows * kHeads * kHeadDim));
      REQUIRE(part.row_bytes() == kHeads * kHeadDim * sizeof(Element));
      rows_from_block(part, reinterpret_cast<const std::byte*>(block.data()),
                      std::as_writable_bytes(std::span(rows)));
      std::size_t i = 0, n_wrong = 0;
      for (std::int64_t t = 0; t < n_rows; ++t)
        for (std::int64_t head = 0; head < kHeads; ++head)
          for (std::int64_t c = 0; c < kHeadDim; ++c, ++i)
            n_wrong += rows[i] != block[static_cast<std::size_t>(place(part, head, c, t))];
      CHECK(n_wrong == 0);
      rows_to_block(part, std::as_bytes(std::span(rows)),
                    reinterpret_cast<std::byte*>(rebuilt.data()));
    }
  // The rows are back where they were, and other positions were not touched.
  std::size_t n_same = 0, n_zero = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    n_same += rebuilt[i] == block[i];
    n_zero += rebuilt[i] == 0;
  }
  CHECK(n_same == static_cast<std::size_t>(n_rows) * block.size() / kBlock);
  CHECK(n_same + n_zero == block.size());
}

// q8: the integers of a head, then its scales; in the block [head_dim, 64] and [head_dim / 32, 64]
// of keys, the other way round of values.
std::size_t check_q8(const KvPart& part, std::span<const std::byte> rows, std::int64_t n_rows,
                     std::span<const std::byte> block) {
  constexpr std::int64_t kDim = 64, kScales = 2, kHeadBytes = kDim + 2 * kScales;
  std::size_t n_wrong = 0;
  for (std::int64_t t = 0; t < n_rows; ++t)
    for (std::int64_t head = 0; head < kHeads; ++head) {
      const std::int64_t from =
          ((part.layer * 2 + (part.is_values ? 1 : 0)) * kHeads + head) * kHeadBytes * kBlock;
      const std::int64_t row = (t * kHeads + head) * kHeadBytes;
      const auto is_wrong = [&](std::int64_t at_row, std::int64_t at_block) {
        return rows[static_cast<std::size_t>(row + at_row)] !=
               block[static_cast<std::size_t>(from + at_block)];
      };
      for (std::int64_t c = 0; c < kDim; ++c)
        n_wrong += is_wrong(c, part.is_values ? t * kDim + c : c * kBlock + t);
      for (std::int64_t s = 0; s < kScales; ++s)
        for (std::int64_t byte = 0; byte < 2; ++byte)
          n_wrong += is_wrong(
              kDim + 2 * s + byte,
              kDim * kBlock + 2 * (part.is_values ? t * kScales + s : s * kBlock + t) + byte);
    }
  return n_wrong;
}

}  // namespace

TEST_CASE("rows of keys and values in q8 keep their groups, and the order of GGUF") {
  const KvLayout layout{kLayers, kHeads, 64, KvType::kQ8};
  std::vector<std::byte> block(static_cast<std::size_t>(layout.block_bytes()));
  std::uint32_t random = 1;
  for (std::byte& byte : block)
    byte = static_cast<std::byte>((random = random * 1664525u + 1013904223u) >> 24);
  std::vector<std::byte> rebuilt(block.size());
  for (std::int64_t layer = 0; layer < kLayers; ++layer)
    for (const bool is_values : {false, true}) {
      const KvPart part{layout, layer, is_values, true};
      std::vector<std::byte> rows(64 * part.row_bytes());
      REQUIRE(part.row_bytes() == kHeads * (64 + 4));
      rows_from_block(part, block.data(), rows);
      CHECK(check_q8(part, rows, 64, block) == 0);
      rows_to_block(part, rows, rebuilt.data());
    }
  CHECK((rebuilt == block));
}

TEST_CASE("rows of keys and values in bf16") { check_type<std::uint16_t>(KvType::kBF16); }
TEST_CASE("rows of keys and values in f32") { check_type<std::uint32_t>(KvType::kF32); }
