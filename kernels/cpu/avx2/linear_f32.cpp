// Products with f32 activations: of the types that have no int8 form. Per output: two accumulators
// of eight lanes over k in steps of 16, ascending; the tail is padded with zeros; one fixed tree at
// the end. Four activation rows at a time share the weight loads; their sums are the ones of a
// single row.
#if defined(__x86_64__)
#include <cstddef>
#include <cstring>

#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx2/vector_math.h"
#include "kernels/cpu/ref/ref_kernels.h"
#include "quant/dequantize.h"

namespace nemotron::kernels::avx2 {

namespace {

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

constexpr std::int64_t kStep = 16;

// y[r] = dot(w, x + r * n) for kRows rows.
template <int kRows>
NEMO_TARGET_AVX2 inline void dot_rows(const float* w, const float* x, std::int64_t n, float* y,
                                      std::int64_t y_stride) {
  __m256 even[kRows];
  __m256 odd[kRows];
  for (int r = 0; r < kRows; ++r) even[r] = odd[r] = _mm256_setzero_ps();
  const std::int64_t whole = n / kStep * kStep;
  for (std::int64_t k = 0; k < whole; k += kStep) {
    const __m256 w_even = _mm256_loadu_ps(w + k);
    const __m256 w_odd = _mm256_loadu_ps(w + k + 8);
    for (int r = 0; r < kRows; ++r) {
      even[r] = _mm256_fmadd_ps(w_even, _mm256_loadu_ps(x + r * n + k), even[r]);
      odd[r] = _mm256_fmadd_ps(w_odd, _mm256_loadu_ps(x + r * n + k + 8), odd[r]);
    }
  }
  if (whole < n) {
    const auto tail_bytes = static_cast<std::size_t>(n - whole) * sizeof(float);
    float w_tail[kStep] = {};
    std::memcpy(w_tail, w + whole, tail_bytes);
    for (int r = 0; r < kRows; ++r) {
      float x_tail[kStep] = {};
      std::memcpy(x_tail, x + r * n + whole, tail_bytes);
      even[r] = _mm256_fmadd_ps(_mm256_loadu_ps(w_tail), _mm256_loadu_ps(x_tail), even[r]);
      odd[r] = _mm256_fmadd_ps(_mm256_loadu_ps(w_tail + 8), _mm256_loadu_ps(x_tail + 8), odd[r]);
    }
  }
  for (int r = 0; r < kRows; ++r) y[r * y_stride] = sum_lanes(_mm256_add_ps(even[r], odd[r]));
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
    default:
      dequantize(type, row, static_cast<std::size_t>(n), scratch);
      break;
  }
  return scratch;
}

void linear_f32(const LinearParams& p, std::int64_t first, std::int64_t last, void* scratch) {
  const float* x = ref::linear_input(p);
  const std::int64_t bytes = row_bytes(p.type, p.n_in);
  for (std::int64_t j = first; j < last; ++j) {
    const void* stored = static_cast<const std::byte*>(p.weight) + j * bytes;
    const float* w = unpack_row(p.type, stored, p.n_in, static_cast<float*>(scratch));
    std::int64_t i = 0;
    for (; i + 4 <= p.n_rows; i += 4)
      dot_rows<4>(w, x + i * p.n_in, p.n_in, p.y + i * p.y_stride + j, p.y_stride);
    for (; i < p.n_rows; ++i)
      dot_rows<1>(w, x + i * p.n_in, p.n_in, p.y + i * p.y_stride + j, p.y_stride);
  }
}

}  // namespace nemotron::kernels::avx2
#endif
