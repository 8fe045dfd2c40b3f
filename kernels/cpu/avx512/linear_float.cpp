// BF16 and FP8 weights times bf16 activations; every E4M3 value is exact in bf16. F16 and F32
// weights times f32 activations. Per output one chain of vdpbf16ps over pairs of columns, or of FMA
// over columns, ascending, from zero: the same for one row and for many. Lanes are outputs, so
// nothing is summed across them. A chain waits for itself; several tiles or rows at a time fill the
// gaps.
#if defined(__x86_64__)
#include "kernels/cpu/avx512/linear_float.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

#include "base/float_types.h"
#include "kernels/cpu/avx512/vector_math.h"
#include "kernels/cpu/packed_weight.h"
#include "kernels/cpu/prefetch.h"

namespace nemotron::kernels::avx512 {

namespace {

constexpr int kMaxRows = 16;
constexpr std::int64_t kMostChunkBlocks = 8;  // that are unpacked at once: with their x in a cache
constexpr std::int64_t kStepBytes = 4;  // of a row that an instruction takes: two bf16 or one f32

struct FloatProduct {
  const std::byte* tile;
  std::int64_t tile_bytes;
  const std::byte* x;  // first row of the product at block 0
  std::int64_t x_block_bytes;
  std::int64_t n_blocks;
  float* y;  // of the first row, at the first tile's first output
  std::int64_t y_stride;
  std::int64_t n_outputs;  // from the first tile's first
  bool continues;          // sums begin with what is in y
};

NEMO_INLINE_AVX512 __m512i broadcast_step(const std::byte* x) {
  std::int32_t bits;
  std::memcpy(&bits, x, sizeof bits);
  return _mm512_set1_epi32(bits);
}

// What weights that meet bf16 share: two columns a step.
struct InPairs {
  static constexpr int kBlockSteps = static_cast<int>(kBlockColumns) / 2;

  NEMO_INLINE_AVX512 static __m512 add(__m512 sum, __m512i w, __m512i x) {
    return _mm512_dpbf16_ps(sum, (__m512bh)w, (__m512bh)x);
  }
};

// And those that meet f32.
struct Single {
  static constexpr int kBlockSteps = static_cast<int>(kBlockColumns);

  NEMO_INLINE_AVX512 static __m512 add(__m512 sum, __m512i w, __m512i x) {
    return _mm512_fmadd_ps(_mm512_castsi512_ps(w), _mm512_castsi512_ps(x), sum);
  }
};

// A vector of a packed tile as weights, of kSteps steps each.
struct Bf16Weights : InPairs {
  static constexpr PackedForm kForm = PackedForm::kBF16;
  static constexpr int kSteps = 1;

  NEMO_INLINE_AVX512 static void load(const std::byte* from, __m512i (&w)[kSteps]) {
    w[0] = _mm512_loadu_si512(from);
  }
};

struct F32Weights : Single {
  static constexpr PackedForm kForm = PackedForm::kF32;
  static constexpr int kSteps = 1;

  NEMO_INLINE_AVX512 static void load(const std::byte* from, __m512i (&w)[kSteps]) {
    w[0] = _mm512_loadu_si512(from);
  }
};

struct F16Weights : Single {
  static constexpr PackedForm kForm = PackedForm::kF16;
  static constexpr int kSteps = 2;

  NEMO_INLINE_AVX512 static void load(const std::byte* from, __m512i (&w)[kSteps]) {
    const auto* halves = reinterpret_cast<const __m256i*>(from);
    w[0] = _mm512_castps_si512(_mm512_cvtph_ps(_mm256_loadu_si256(halves)));
    w[1] = _mm512_castps_si512(_mm512_cvtph_ps(_mm256_loadu_si256(halves + 1)));
  }
};

// High and low bytes of bf16 for the E4M3 codes 0 to 127; the sign is bit 7 in both formats.
struct E4M3Bytes {
  unsigned char high[128];
  unsigned char low[128];
};
constexpr E4M3Bytes make_e4m3_bytes() {
  E4M3Bytes bytes{};
  for (int code = 0; code < 128; ++code) {
    const bf16_bits bits = float_to_bf16(f8_e4m3_to_float(static_cast<std::uint8_t>(code)));
    bytes.high[code] = static_cast<unsigned char>(bits >> 8);
    bytes.low[code] = static_cast<unsigned char>(bits & 0xff);
  }
  return bytes;
}
alignas(64) constexpr E4M3Bytes kE4M3Bytes = make_e4m3_bytes();

struct F8Weights : InPairs {
  static constexpr PackedForm kForm = PackedForm::kF8;
  static constexpr int kSteps = 2;

  NEMO_INLINE_AVX512 static __m512i look_up(const unsigned char* table, __m512i codes) {
    return _mm512_permutex2var_epi8(_mm512_load_si512(table), codes,
                                    _mm512_load_si512(table + kVectorBytes));
  }
  NEMO_INLINE_AVX512 static void load(const std::byte* from, __m512i (&w)[kSteps]) {
    const __m512i codes = _mm512_loadu_si512(from);
    const __m512i sign = _mm512_set1_epi8(static_cast<char>(0x80));
    // high | (codes & sign)
    const __m512i high =
        _mm512_ternarylogic_epi32(look_up(kE4M3Bytes.high, codes), codes, sign, 0xf8);
    const __m512i low = look_up(kE4M3Bytes.low, codes);
    w[0] = _mm512_unpacklo_epi8(low, high);
    w[1] = _mm512_unpackhi_epi8(low, high);
  }
};

// kTiles tiles times kRows rows.
template <class Weights, int kTiles, int kRows>
NEMO_TARGET_AVX512 void multiply(const FloatProduct& p) {
  constexpr int kVectors = Weights::kBlockSteps / Weights::kSteps;
  constexpr std::int64_t kRowBytes = Weights::kBlockSteps * kStepBytes;
  __m512 sum[kTiles][kRows];
#pragma GCC unroll 4
  for (int t = 0; t < kTiles; ++t) {
    const __mmask16 before = p.continues ? lanes_from(t * kTileRows, p.n_outputs) : __mmask16{0};
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
      sum[t][r] = _mm512_maskz_loadu_ps(before, p.y + r * p.y_stride + t * kTileRows);
  }
  const std::byte* w = p.tile;
  const std::byte* x = p.x;
  for (std::int64_t b = 0; b < p.n_blocks; ++b) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v, w += kVectorBytes) {
#pragma GCC unroll 4
      for (int t = 0; t < kTiles; ++t) {
        prefetch_ahead<kVectorBytes>(w + t * p.tile_bytes);
        __m512i weights[Weights::kSteps];
        Weights::load(w + t * p.tile_bytes, weights);
#pragma GCC unroll 2
        for (int step = 0; step < Weights::kSteps; ++step) {
          const std::byte* from = x + kStepBytes * (v * Weights::kSteps + step);
#pragma GCC unroll 16
          for (int r = 0; r < kRows; ++r)
            sum[t][r] =
                Weights::add(sum[t][r], weights[step], broadcast_step(from + r * kRowBytes));
        }
      }
    }
    x += p.x_block_bytes;
  }
#pragma GCC unroll 4
  for (int t = 0; t < kTiles; ++t) {
    const __mmask16 outputs = lanes_from(t * kTileRows, p.n_outputs);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
      _mm512_mask_storeu_ps(p.y + r * p.y_stride + t * kTileRows, outputs, sum[t][r]);
  }
}

template <class Weights, std::size_t... kIndex>
constexpr auto row_table(std::index_sequence<kIndex...>) {
  return std::array{&multiply<Weights, 1, static_cast<int>(kIndex) + 1>...};
}

// As many tiles at a time as `n` rows leave room for; how many changes no sum.
int tiles_at_once(std::int64_t n_rows, std::int64_t n_tiles) {
  return n_rows <= 2 && n_tiles >= 4 ? 4 : 1;
}

template <class Weights>
void multiply_rows(const FloatProduct& p, std::int64_t n_rows, int n_tiles) {
  static constexpr auto kOneTile = row_table<Weights>(std::make_index_sequence<kMaxRows>());
  if (n_tiles == 4) {
    (n_rows == 1 ? multiply<Weights, 4, 1> : multiply<Weights, 4, 2>)(p);
  } else {
    kOneTile[static_cast<std::size_t>(n_rows - 1)](p);
  }
}

// FP8 becomes bf16 vector by vector, in the order in which products read both.
NEMO_TARGET_AVX512 void unpack_f8(const std::byte* from, std::int64_t n_vectors, std::byte* to) {
  for (std::int64_t v = 0; v < n_vectors; ++v, from += kVectorBytes) {
    prefetch_ahead<kVectorBytes>(from);
    __m512i w[F8Weights::kSteps];
    F8Weights::load(from, w);
    for (const __m512i& step : w) {
      _mm512_store_si512(to, step);
      to += kVectorBytes;
    }
  }
}

// For more rows than a product takes: unpacking once, a piece of the columns at a time, the sums of
// all rows go through y. The same sums in the same order.
void product_of_many_f8(const LinearParams& p, std::int64_t first, std::int64_t last) {
  constexpr std::int64_t kRowBytes = InPairs::kBlockSteps * kStepBytes;
  constexpr std::int64_t kBlockVectors = InPairs::kBlockSteps / F8Weights::kSteps;
  alignas(kVectorBytes) std::byte chunk[kMostChunkBlocks * InPairs::kBlockSteps * kVectorBytes];
  const std::int64_t tile_bytes = packed_layout(F8Weights::kForm).tile_bytes(p.n_in);
  const std::int64_t n_blocks = p.n_in / kBlockColumns;
  FloatProduct product{};
  product.tile = chunk;
  product.x_block_bytes = p.n_rows * kRowBytes;
  product.y_stride = p.y_stride;
  for (std::int64_t j = first; j < last; j += kTileRows) {
    const std::byte* tile = static_cast<const std::byte*>(p.weight) + j / kTileRows * tile_bytes;
    product.n_outputs = last - j;
    for (std::int64_t b = 0; b < n_blocks; b += kMostChunkBlocks) {
      product.n_blocks = std::min(kMostChunkBlocks, n_blocks - b);
      product.continues = b > 0;
      unpack_f8(tile + b * kBlockVectors * kVectorBytes, product.n_blocks * kBlockVectors, chunk);
      for (std::int64_t i = 0; i < p.n_rows; i += kMaxRows) {
        product.x =
            static_cast<const std::byte*>(p.prepared) + b * product.x_block_bytes + i * kRowBytes;
        product.y = p.y + i * p.y_stride + j;
        multiply_rows<Bf16Weights>(product, std::min<std::int64_t>(kMaxRows, p.n_rows - i), 1);
      }
    }
  }
}

template <class Weights>
void product(const LinearParams& p, std::int64_t first, std::int64_t last) {
  constexpr std::int64_t kRowBytes = Weights::kBlockSteps * kStepBytes;
  FloatProduct product{};
  product.tile_bytes = packed_layout(Weights::kForm).tile_bytes(p.n_in);
  product.x_block_bytes = p.n_rows * kRowBytes;
  product.n_blocks = p.n_in / kBlockColumns;
  product.y_stride = p.y_stride;
  for (std::int64_t j = first; j < last;) {
    const int n_tiles = tiles_at_once(p.n_rows, (last - j) / kTileRows);
    product.tile = static_cast<const std::byte*>(p.weight) + j / kTileRows * product.tile_bytes;
    product.n_outputs = last - j;
    for (std::int64_t i = 0; i < p.n_rows; i += kMaxRows) {
      product.x = static_cast<const std::byte*>(p.prepared) + i * kRowBytes;
      product.y = p.y + i * p.y_stride + j;
      multiply_rows<Weights>(product, std::min<std::int64_t>(kMaxRows, p.n_rows - i), n_tiles);
    }
    j += n_tiles * kTileRows;
  }
}

// round_to_f8_e4m3() of each lane.
NEMO_INLINE_AVX512 __m512 round_to_f8(__m512 x) {
  const __m512i bits = _mm512_castps_si512(x);
  const __m512i sign = _mm512_and_si512(bits, _mm512_set1_epi32(INT32_MIN));
  const __m512i magnitude = _mm512_xor_si512(bits, sign);
  const __m512i is_odd = _mm512_and_si512(_mm512_srli_epi32(magnitude, 20), _mm512_set1_epi32(1));
  const __m512i half = _mm512_add_epi32(is_odd, _mm512_set1_epi32(0x7ffff));
  __m512i rounded =
      _mm512_and_si512(_mm512_add_epi32(magnitude, half), _mm512_set1_epi32(-0x100000));
  // Below 2^-6: a multiple of 2^-9.
  const __m512 bias = _mm512_set1_ps(0x1p14f);
  const __m512 tiny = _mm512_sub_ps(_mm512_add_ps(_mm512_castsi512_ps(magnitude), bias), bias);
  rounded = _mm512_mask_mov_epi32(rounded,
                                  _mm512_cmplt_epu32_mask(magnitude, _mm512_set1_epi32(0x3c800000)),
                                  _mm512_castps_si512(tiny));
  rounded = _mm512_min_epu32(rounded, _mm512_set1_epi32(0x43e00000));  // 448
  rounded = _mm512_mask_mov_epi32(rounded,
                                  _mm512_cmpgt_epu32_mask(magnitude, _mm512_set1_epi32(0x7f800000)),
                                  _mm512_set1_epi32(0x7fc00000));
  return _mm512_castsi512_ps(_mm512_or_si512(rounded, sign));
}

}  // namespace

NEMO_TARGET_AVX512 void prepare_bf16(const PrepareParams& p, std::int64_t first,
                                     std::int64_t last) {
  auto* out = static_cast<std::byte*>(p.prepared);  // [n_blocks][n_rows][32]
  const __m512 scale = _mm512_set1_ps(p.input_scale);
  for (std::int64_t b = first; b < last; ++b) {
    for (std::int64_t r = 0; r < p.n_rows; ++r) {
      const float* x = p.x + r * p.n_in + b * kBlockColumns;
      __m512 low = _mm512_loadu_ps(x);
      __m512 high = _mm512_loadu_ps(x + kLanes);
      if (p.input_scale > 0) {
        low = round_to_f8(_mm512_div_ps(low, scale));
        high = round_to_f8(_mm512_div_ps(high, scale));
      }
      const __m512bh rounded = _mm512_cvtne2ps_pbh(high, low);
      _mm512_storeu_si512(out + (b * p.n_rows + r) * kBlockColumns * 2, (__m512i)rounded);
    }
  }
}

void prepare_f32(const PrepareParams& p, std::int64_t first, std::int64_t last) {
  auto* out = static_cast<float*>(p.prepared);  // [n_blocks][n_rows][32]
  for (std::int64_t b = first; b < last; ++b) {
    for (std::int64_t r = 0; r < p.n_rows; ++r)
      std::copy_n(p.x + r * p.n_in + b * kBlockColumns, kBlockColumns,
                  out + (b * p.n_rows + r) * kBlockColumns);
  }
}

void linear_float(const LinearParams& p, PackedForm form, std::int64_t first, std::int64_t last) {
  switch (form) {
    case PackedForm::kBF16:
      return product<Bf16Weights>(p, first, last);
    case PackedForm::kF8:
      return p.n_rows > kMaxRows ? product_of_many_f8(p, first, last)
                                 : product<F8Weights>(p, first, last);
    case PackedForm::kF16:
      return product<F16Weights>(p, first, last);
    case PackedForm::kF32:
      return product<F32Weights>(p, first, last);
    default:
      break;
  }
}

}  // namespace nemotron::kernels::avx512
#endif
