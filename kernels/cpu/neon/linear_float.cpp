// Matrix product over rows of floats of any width, widened in registers. Per output: four
// accumulators of four lanes over k in steps of 16, ascending; the tail is padded with zeros; one
// fixed tree at the end. Four activation rows at a time share the weights; their sums are the ones
// of a single row.
#if defined(__aarch64__)
#include "kernels/cpu/neon/linear_float.h"

#include <cstddef>
#include <cstring>

#include "kernels/cpu/neon/vector_math.h"
#include "kernels/cpu/ref/ref_kernels.h"
#include "quant/dequantize.h"

namespace nemotron::kernels::neon {

namespace {

constexpr std::int64_t kStep = 16;
constexpr int kVectors = 4;  // of a step

struct Step {
  float32x4_t vector[kVectors];
};

NEMO_INLINE_NEON Step load_step(const float* from) {
  return {{vld1q_f32(from), vld1q_f32(from + 4), vld1q_f32(from + 8), vld1q_f32(from + 12)}};
}

NEMO_INLINE_NEON Step from_halves(uint16x8_t low, uint16x8_t high) {
  const float16x8_t a = vreinterpretq_f16_u16(low);
  const float16x8_t b = vreinterpretq_f16_u16(high);
  return {{vcvt_f32_f16(vget_low_f16(a)), vcvt_high_f32_f16(a), vcvt_f32_f16(vget_low_f16(b)),
           vcvt_high_f32_f16(b)}};
}

// Eight FP8 numbers as halves that are 2^-8 of their values.
NEMO_INLINE_NEON uint16x8_t small_halves(uint8x8_t bytes) {
  const uint8x8_t magnitude = vand_u8(bytes, vdup_n_u8(0x7f));
  const uint8x8_t is_nan = vceq_u8(magnitude, vdup_n_u8(0x7f));
  const uint16x8_t nan = vshll_n_u8(vand_u8(is_nan, vdup_n_u8(0x7e)), 8);
  const uint16x8_t sign = vshll_n_u8(vand_u8(bytes, vdup_n_u8(0x80)), 8);
  return vorrq_u16(vorrq_u16(vshll_n_u8(magnitude, 7), sign), nan);
}

// Sixteen stored weights, at any address.
template <TensorType kType>
NEMO_INLINE_NEON Step load_weights(const std::byte* from) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(from);
  const uint8x16_t first = vld1q_u8(bytes);
  if constexpr (kType == TensorType::kF32) {
    return {{vreinterpretq_f32_u8(first), vreinterpretq_f32_u8(vld1q_u8(bytes + 16)),
             vreinterpretq_f32_u8(vld1q_u8(bytes + 32)),
             vreinterpretq_f32_u8(vld1q_u8(bytes + 48))}};
  } else if constexpr (kType == TensorType::kF16) {
    return from_halves(vreinterpretq_u16_u8(first), vreinterpretq_u16_u8(vld1q_u8(bytes + 16)));
  } else if constexpr (kType == TensorType::kBF16) {
    const uint16x8_t low = vreinterpretq_u16_u8(first);
    const uint16x8_t high = vreinterpretq_u16_u8(vld1q_u8(bytes + 16));
    return {{vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(low), 16)),
             vreinterpretq_f32_u32(vshll_high_n_u16(low, 16)),
             vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(high), 16)),
             vreinterpretq_f32_u32(vshll_high_n_u16(high, 16))}};
  } else {
    static_assert(kType == TensorType::kF8_E4M3);
    Step step = from_halves(small_halves(vget_low_u8(first)), small_halves(vget_high_u8(first)));
    for (float32x4_t& vector : step.vector) vector = vmulq_n_f32(vector, 256.0f);
    return step;
  }
}

template <int kRows>
struct Sums {
  Step row[kRows];

  NEMO_INLINE_NEON void add(int r, const Step& w, const Step& x) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v)
      row[r].vector[v] = vfmaq_f32(row[r].vector[v], w.vector[v], x.vector[v]);
  }
  NEMO_INLINE_NEON float total(int r) const {
    const float32x4_t(&v)[kVectors] = row[r].vector;
    return vaddvq_f32(vaddq_f32(vaddq_f32(v[0], v[1]), vaddq_f32(v[2], v[3])));
  }
};

// y[r] = dot(w, x + r * n) for kRows rows.
template <TensorType kType, int kRows>
void dot_rows(const std::byte* w, const float* x, std::int64_t n, float* y, std::int64_t y_stride) {
  constexpr std::int64_t kBytes = kType == TensorType::kF32       ? 4
                                  : kType == TensorType::kF8_E4M3 ? 1
                                                                  : 2;
  const float32x4_t zero = vdupq_n_f32(0.0f);
  Sums<kRows> sums;
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) sums.row[r] = {{zero, zero, zero, zero}};
  const std::int64_t whole = n / kStep * kStep;
  for (std::int64_t k = 0; k < whole; k += kStep) {
    const Step weights = load_weights<kType>(w + k * kBytes);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) sums.add(r, weights, load_step(x + r * n + k));
  }
  if (whole < n) {
    float w_tail[kStep] = {};
    dequantize(kType, w + whole * kBytes, static_cast<std::size_t>(n - whole), w_tail);
    for (int r = 0; r < kRows; ++r) {
      float x_tail[kStep] = {};
      std::memcpy(x_tail, x + r * n + whole, static_cast<std::size_t>(n - whole) * sizeof(float));
      sums.add(r, load_step(w_tail), load_step(x_tail));
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) y[r * y_stride] = sums.total(r);
}

template <TensorType kType>
void product(const LinearParams& p, std::int64_t first, std::int64_t last) {
  const float* x = ref::linear_input(p);
  const std::int64_t bytes = row_bytes(kType, p.n_in);
  for (std::int64_t j = first; j < last; ++j) {
    const std::byte* w = static_cast<const std::byte*>(p.weight) + j * bytes;
    std::int64_t i = 0;
    for (; i + 4 <= p.n_rows; i += 4)
      dot_rows<kType, 4>(w, x + i * p.n_in, p.n_in, p.y + i * p.y_stride + j, p.y_stride);
    for (; i < p.n_rows; ++i)
      dot_rows<kType, 1>(w, x + i * p.n_in, p.n_in, p.y + i * p.y_stride + j, p.y_stride);
  }
}

}  // namespace

void linear_float(const LinearParams& p, std::int64_t first, std::int64_t last) {
  switch (p.type) {
    case TensorType::kF32:
      return product<TensorType::kF32>(p, first, last);
    case TensorType::kF16:
      return product<TensorType::kF16>(p, first, last);
    case TensorType::kBF16:
      return product<TensorType::kBF16>(p, first, last);
    case TensorType::kF8_E4M3:
      return product<TensorType::kF8_E4M3>(p, first, last);
    default:
      break;
  }
}

}  // namespace nemotron::kernels::neon
#endif
