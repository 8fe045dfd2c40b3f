// Weights from the order of a file into that of packed_layout.h. A thread to 64 columns of a row.
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/kernel_list.h"
#include "kernels/cuda/packed_layout.h"
#include "kernels/cuda/weight_element.cuh"

namespace nemotron::kernels::cuda {

// A row's part of a chunk, of which it fills every word.
template <TensorType type>
class RowPacker {
 public:
  static constexpr PackedForm kForm = packed_form(type);

  // `row` is null where the matrix has none.
  __device__ RowPacker(const void* row, std::int64_t first_column, std::int64_t n_columns,
                       std::uint8_t* chunk, int tile_row)
      : row_(row),
        first_(first_column),
        n_columns_(n_columns),
        chunk_(chunk),
        tile_row_(tile_row) {}

  __device__ void pack() const {
    if constexpr (kForm.code_bits == 16) {
      for (int j = 0; j < kChunkColumns; j += 2)
        *code_word(j / 16, j % 16 / 4, j % 4 / 2) = code(j) | code(j + 1) << 16;
    } else if constexpr (kForm.code_bits == 8) {
      for (int j = 0; j < kChunkColumns; j += 4)
        *code_word(j / 32, j % 16 / 4, j % 32 / 16) =
            code(j) | code(j + 1) << 8 | code(j + 2) << 16 | code(j + 3) << 24;
    } else {
      for (int block = 0; block < 2; ++block)
        for (int t = 0; t < 4; ++t) *code_word(0, t, block) = nibbles(32 * block + 4 * t);
      pack_high();
    }
    if constexpr (kForm.scales != ScaleForm::kNone) pack_scales();
  }

 private:
  // Word `i` of this row among the four that a lane with column quarter t has in a plane.
  __device__ std::uint32_t* code_word(int plane, int t, int i) const {
    const int lane = 4 * (tile_row_ % 8) + t;
    const int r = tile_row_ / 8;
    const int word = kForm.code_bits == 16 ? 2 * i + r : 2 * r + i;
    return reinterpret_cast<std::uint32_t*>(chunk_ + 512 * plane + 16 * lane) + word;
  }

  // As it is packed; what is not there is the code of zero.
  __device__ std::uint32_t code(int j) const {
    const std::int64_t k = first_ + j;
    if (row_ == nullptr || k >= n_columns_) return static_cast<std::uint32_t>(kForm.offset);
    if constexpr (type == TensorType::kBF16) {
      return static_cast<const bf16_bits*>(row_)[k];
    } else if constexpr (type == TensorType::kF8_E4M3) {
      return static_cast<const f8_e4m3_bits*>(row_)[k];
    } else {
      using Parts = WeightParts<type>;
      const auto& block = block_of<typename Parts::Block>(row_, k);
      const int i = static_cast<int>(k % Parts::Block::kElements);
      if constexpr (kForm.is_table) {
        return static_cast<std::uint32_t>(Parts::code(block, i));
      } else {
        return static_cast<std::uint32_t>(Parts::integer(block, i) + kForm.offset) & 255;
      }
    }
  }

  // Low four bits of columns j to j + 3, and above them those of j + 16 to j + 19.
  __device__ std::uint32_t nibbles(int j) const {
    std::uint32_t word = 0;
    for (int i = 0; i < 4; ++i)
      word |= ((code(j + i) & 15) | (code(j + 16 + i) & 15) << 4) << (8 * i);
    return word;
  }

  __device__ void pack_high() const {
    constexpr int n = high_words(kForm.code_bits);
    auto* words = reinterpret_cast<std::uint32_t*>(chunk_ + high_offset(type)) + tile_row_ * n;
    for (int i = 0; i < n; ++i) {
      constexpr int kColumns = n == 2 ? 32 : 16;  // of a word
      std::uint32_t word = 0;
      for (int j = 0; j < kColumns; ++j)
        word |= (code(kColumns * i + j) >> 4) << (32 / kColumns * j);
      words[i] = word;
    }
  }

  __device__ void pack_scales() const {
    constexpr int n = scale_words(kForm.scales);
    auto* words = reinterpret_cast<std::uint32_t*>(chunk_ + scales_offset(type)) + tile_row_ * n;
    std::uint32_t packed[2] = {0, 0};
    for (int h = 0; h < 4; ++h)
      if (row_ != nullptr && first_ + 16 * h < n_columns_) add_scale(h, packed);
    for (int i = 0; i < n; ++i) words[i] = packed[i];
  }

  // Of columns 16 h to 16 h + 15.
  __device__ void add_scale(int h, std::uint32_t (&packed)[2]) const {
    using Parts = WeightParts<type>;
    const std::int64_t k = first_ + 16 * h;
    const auto& block = block_of<typename Parts::Block>(row_, k);
    const int j = static_cast<int>(k % Parts::Block::kElements);
    if constexpr (kForm.scales == ScaleForm::kFp4) {
      packed[0] |= std::uint32_t{block.d[j / 16]} << (8 * h);
    } else if constexpr (kForm.scales == ScaleForm::kHalves) {
      packed[0] |= std::uint32_t{block.d} << (16 * (h / 2));
    } else if constexpr (kForm.scales == ScaleForm::kHalvesMins) {
      packed[0] |= std::uint32_t{block.d} << (16 * (h / 2));
      packed[1] |= std::uint32_t{block.m} << (16 * (h / 2));
    } else if constexpr (kForm.scales == ScaleForm::kNibbles16) {
      packed[0] = block.d | std::uint32_t{block.dmin} << 16;
      packed[1] |= std::uint32_t{block.scales[j / 16]} << (8 * h);
    } else if constexpr (kForm.scales == ScaleForm::kBytesMins32) {
      const ScaleMin s = Parts::group_scale_min(block, j);
      packed[0] = block.d | std::uint32_t{block.dmin} << 16;
      packed[1] |= std::uint32_t{s.scale} << (8 * (h / 2)) | std::uint32_t{s.min}
                                                                 << (16 + 8 * (h / 2));
    } else {
      const int i = kForm.scales == ScaleForm::kBytes16 ? h : h / 2;
      packed[0] = block.d;
      packed[1] |= (static_cast<std::uint32_t>(Parts::group_scale(block, j)) & 255) << (8 * i);
    }
  }

  const void* row_;
  std::int64_t first_;
  std::int64_t n_columns_;
  std::uint8_t* chunk_;
  int tile_row_;
};

template <TensorType type>
__device__ void pack_row(const PackWeightsArgs& p, std::int64_t row, std::int64_t chunk) {
  const std::int64_t tile = row / kTileRows;
  const std::int64_t n_chunks = packed_chunks(p.n_columns);
  const void* from =
      row < p.n_rows ? static_cast<const std::uint8_t*>(p.rows) + row * p.row_bytes : nullptr;
  auto* to = static_cast<std::uint8_t*>(p.packed) + (tile * n_chunks + chunk) * chunk_bytes(type);
  RowPacker<type>(from, chunk * kChunkColumns, p.n_columns, to, static_cast<int>(row % kTileRows))
      .pack();
}

NEMO_KERNEL(pack_weights)(const PackWeightsArgs p) {
  const std::int64_t n_chunks = packed_chunks(p.n_columns);
  const std::int64_t row = thread_index() / n_chunks;
  const std::int64_t chunk = thread_index() % n_chunks;
  if (row >= packed_tiles(p.n_rows) * kTileRows) return;
  switch (p.type) {
    case TensorType::kF32:
    case TensorType::kF16:
      return;  // never packed
#define NEMO_CASE(X, name)  \
  case TensorType::k##name: \
    return pack_row<TensorType::k##name>(p, row, chunk);
      NEMO_CUDA_PACKED_TYPES(NEMO_CASE, )
#undef NEMO_CASE
  }
}

}  // namespace nemotron::kernels::cuda
