// Stored weight rows to floats with AVX2 and F16C: an unpack for the types that published files are
// made of, each bit-equal to lib/quant/dequantize.cpp (the same multiplications in the same order);
// the others fall back to it.
#if defined(__x86_64__)
#include <cstring>

#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx2/vector_math.h"
#include "quant/block_formats.h"
#include "quant/dequantize.h"

namespace nemotron::kernels::avx2 {

namespace {

// Eight small integers, as floats.
NEMO_TARGET_AVX2 inline __m256 floats_from_int8(__m128i low_eight) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(low_eight));
}

// out[0..31] = scale * q, for 32 signed bytes.
NEMO_TARGET_AVX2 inline void scale_32(__m256i q, __m256 scale, float* out) {
  const __m128i low = _mm256_castsi256_si128(q);
  const __m128i high = _mm256_extracti128_si256(q, 1);
  _mm256_storeu_ps(out, _mm256_mul_ps(scale, floats_from_int8(low)));
  _mm256_storeu_ps(out + 8, _mm256_mul_ps(scale, floats_from_int8(_mm_srli_si128(low, 8))));
  _mm256_storeu_ps(out + 16, _mm256_mul_ps(scale, floats_from_int8(high)));
  _mm256_storeu_ps(out + 24, _mm256_mul_ps(scale, floats_from_int8(_mm_srli_si128(high, 8))));
}

NEMO_TARGET_AVX2 inline __m256i load_32(const void* bytes) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(bytes));
}

NEMO_TARGET_AVX2 inline __m256i nibbles_of_16(const std::uint8_t* qs) {
  const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(qs));
  const __m128i mask = _mm_set1_epi8(15);
  return _mm256_set_m128i(_mm_and_si128(_mm_srli_epi16(packed, 4), mask),
                          _mm_and_si128(packed, mask));
}

// Byte j is 0xff where bit j of `bits` is set.
NEMO_TARGET_AVX2 inline __m256i spread_bits(std::uint32_t bits) {
  const __m256i bytes = _mm256_shuffle_epi8(
      _mm256_set1_epi32(static_cast<int>(bits)),
      _mm256_set_epi64x(0x0303030303030303, 0x0202020202020202, 0x0101010101010101, 0));
  const __m256i select = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201));
  return _mm256_cmpeq_epi8(_mm256_and_si256(bytes, select), select);
}

NEMO_TARGET_AVX2 void unpack_block(const BlockQ8_0& block, float* out) {
  scale_32(load_32(block.qs), _mm256_set1_ps(_cvtsh_ss(block.d)), out);
}

NEMO_TARGET_AVX2 void unpack_block(const BlockQ5_0& block, float* out) {
  std::uint32_t qh;
  std::memcpy(&qh, block.qh, sizeof qh);
  const __m256i fifth = _mm256_and_si256(spread_bits(qh), _mm256_set1_epi8(16));
  const __m256i q = _mm256_or_si256(nibbles_of_16(block.qs), fifth);
  scale_32(_mm256_sub_epi8(q, _mm256_set1_epi8(16)), _mm256_set1_ps(_cvtsh_ss(block.d)), out);
}

NEMO_TARGET_AVX2 void unpack_block(const BlockQ4_K& block, float* out) {
  const float d = _cvtsh_ss(block.d);
  const float dmin = _cvtsh_ss(block.dmin);
  for (int k = 0; k < 8; ++k) {
    const ScaleMin sub = q4_k_scale_min(block.scales, k);
    const __m256 min = _mm256_set1_ps(dmin * static_cast<float>(sub.min));
    const __m256i packed = load_32(block.qs + 32 * (k / 2));
    const __m256i shifted = k % 2 == 0 ? packed : _mm256_srli_epi16(packed, 4);
    float* sub_out = out + 32 * k;
    scale_32(_mm256_and_si256(shifted, _mm256_set1_epi8(15)),
             _mm256_set1_ps(d * static_cast<float>(sub.scale)), sub_out);
    for (int j = 0; j < 32; j += 8)
      _mm256_storeu_ps(sub_out + j, _mm256_sub_ps(_mm256_loadu_ps(sub_out + j), min));
  }
}

NEMO_TARGET_AVX2 void unpack_block(const BlockQ6_K& block, float* out) {
  const float d = _cvtsh_ss(block.d);
  for (int group = 0; group < 8; ++group) {  // of 32 elements, two scales each
    const int half = group / 4;
    const int quarter = group % 4;
    const __m256i ql = load_32(block.ql + 64 * half + 32 * (quarter % 2));
    const __m256i qh = load_32(block.qh + 32 * half);
    const __m256i low = _mm256_and_si256(_mm256_srl_epi16(ql, _mm_cvtsi32_si128(4 * (quarter / 2))),
                                         _mm256_set1_epi8(15));
    const __m256i high =
        _mm256_and_si256(_mm256_srl_epi16(qh, _mm_cvtsi32_si128(2 * quarter)), _mm256_set1_epi8(3));
    const __m256i q =
        _mm256_sub_epi8(_mm256_or_si256(low, _mm256_slli_epi16(high, 4)), _mm256_set1_epi8(32));
    const std::int8_t* scales = block.scales + 2 * group;
    const __m256 first = _mm256_set1_ps(d * static_cast<float>(scales[0]));
    const __m256 second = _mm256_set1_ps(d * static_cast<float>(scales[1]));
    const __m128i low_half = _mm256_castsi256_si128(q);
    const __m128i high_half = _mm256_extracti128_si256(q, 1);
    float* to = out + 32 * group;
    _mm256_storeu_ps(to, _mm256_mul_ps(first, floats_from_int8(low_half)));
    _mm256_storeu_ps(to + 8, _mm256_mul_ps(first, floats_from_int8(_mm_srli_si128(low_half, 8))));
    _mm256_storeu_ps(to + 16, _mm256_mul_ps(second, floats_from_int8(high_half)));
    _mm256_storeu_ps(to + 24,
                     _mm256_mul_ps(second, floats_from_int8(_mm_srli_si128(high_half, 8))));
  }
}

template <typename Block>
NEMO_TARGET_AVX2 void unpack_blocks(const void* row, std::int64_t n, float* out) {
  const auto* blocks = static_cast<const Block*>(row);
  for (std::int64_t i = 0; i < n; i += Block::kElements)
    unpack_block(blocks[i / Block::kElements], out + i);
}

NEMO_TARGET_AVX2 void unpack_halves(TensorType type, const std::uint16_t* row, std::int64_t n,
                                    float* out) {
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + i));
    const __m256 values =
        type == TensorType::kF16
            ? _mm256_cvtph_ps(bits)
            : _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
    _mm256_storeu_ps(out + i, values);
  }
  dequantize(type, row + i, static_cast<std::size_t>(n - i), out + i);
}

}  // namespace

const float* unpack_row(TensorType type, const void* row, std::int64_t n, float* scratch) {
  switch (type) {
    case TensorType::kF32:
      return static_cast<const float*>(row);
    case TensorType::kF16:
    case TensorType::kBF16:
      unpack_halves(type, static_cast<const std::uint16_t*>(row), n, scratch);
      break;
    case TensorType::kQ8_0:
      unpack_blocks<BlockQ8_0>(row, n, scratch);
      break;
    case TensorType::kQ5_0:
      unpack_blocks<BlockQ5_0>(row, n, scratch);
      break;
    case TensorType::kQ4_K:
      unpack_blocks<BlockQ4_K>(row, n, scratch);
      break;
    case TensorType::kQ6_K:
      unpack_blocks<BlockQ6_K>(row, n, scratch);
      break;
    default:  // the rarer types, by the scalar reference
      dequantize(type, row, static_cast<std::size_t>(n), scratch);
      break;
  }
  return scratch;
}

}  // namespace nemotron::kernels::avx2
#endif
