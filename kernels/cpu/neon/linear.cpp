// Chooses the product for a weight's type, and writes the inputs of those that want int8.
#if defined(__aarch64__)
#include <bit>
#include <cstddef>

#include "kernels/cpu/neon/linear_float.h"
#include "kernels/cpu/neon/linear_int8.h"
#include "kernels/cpu/neon/neon_kernels.h"
#include "kernels/cpu/neon/packed_weight.h"
#include "kernels/cpu/neon/vector_math.h"
#include "kernels/cpu/ref/ref_kernels.h"

namespace nemotron::kernels::neon {

namespace {

constexpr int kBlockVectors = kBlockColumns / kLanes;

// max |x| of a block; NaN if one is NaN (its bits are the largest).
NEMO_INLINE_NEON float max_magnitude(const float32x4_t (&x)[kBlockVectors]) {
  uint32x4_t largest = vdupq_n_u32(0);
  for (const float32x4_t& v : x)
    largest = vmaxq_u32(largest, vandq_u32(vreinterpretq_u32_f32(v), vdupq_n_u32(0x7fffffff)));
  return std::bit_cast<float>(vmaxvq_u32(largest));
}

// Sixteen integers nearest to x * factor, ties to even; 0 for NaN.
NEMO_INLINE_NEON int8x16_t rounded(const float32x4_t* x, float factor) {
  int32x4_t q[4];
#pragma GCC unroll 4
  for (int v = 0; v < 4; ++v) q[v] = vcvtnq_s32_f32(vmulq_n_f32(x[v], factor));
  const int16x8_t low = vcombine_s16(vqmovn_s32(q[0]), vqmovn_s32(q[1]));
  const int16x8_t high = vcombine_s16(vqmovn_s32(q[2]), vqmovn_s32(q[3]));
  return vcombine_s8(vqmovn_s16(low), vqmovn_s16(high));
}

void prepare_block(CodeMeaning codes, const float* from, const PreparedInt8& out, std::int64_t i) {
  float32x4_t x[kBlockVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kBlockVectors; ++v) x[v] = vld1q_f32(from + v * kLanes);
  const float max = max_magnitude(x);
  const bool is_zero = max < PreparedInt8::kTooSmall;
  const float inverse = is_zero ? 0.0f : 127.0f / max;
  const int8x16_t first = rounded(x, inverse);
  const int8x16_t second = rounded(x + 4, inverse);
  vst1q_s8(out.q + i * kBlockColumns, first);
  vst1q_s8(out.q + i * kBlockColumns + kVectorBytes, second);
  out.scale[i] = is_zero ? 0.0f : max / 127.0f;
  out.sums[i] = sums_for(codes, vaddlvq_s8(first), vaddlvq_s8(second));
}

}  // namespace

std::int64_t tile_bytes(TensorType type, std::int64_t n_in) {
  if (!is_packed(type)) return ref::tile_bytes(type, n_in);
  return kTileRows / kStripOutputs * packed_form(type).strip_bytes(n_in);
}

Arithmetic arithmetic(TensorType type, std::int64_t) {
  return is_packed(type) ? Arithmetic::kInt8 : Arithmetic::kF32;
}

std::int64_t prepared_bytes(TensorType type, std::int64_t n_rows, std::int64_t n_in) {
  return is_packed(type) ? PreparedInt8::size_bytes(n_rows, n_in)
                         : ref::prepared_bytes(type, n_rows, n_in);
}

void prepare(const PrepareParams& p, std::int64_t first, std::int64_t last) {
  if (!is_packed(p.type)) return ref::prepare(p, first, last);
  const CodeMeaning codes = packed_form(p.type).meaning;
  const PreparedInt8 out(p.prepared, p.n_rows, p.n_in);
  for (std::int64_t b = first; b < last; ++b)
    for (std::int64_t r = 0; r < p.n_rows; ++r)
      prepare_block(codes, p.x + r * p.n_in + b * kBlockColumns, out, b * p.n_rows + r);
}

std::int64_t linear_scratch_bytes(TensorType, std::int64_t) { return 0; }

void linear_dot_product(const LinearParams& p, std::int64_t first, std::int64_t last, void*) {
#if defined(NEMO_HAS_SDOT)
  if (!is_packed(p.type)) return linear_float(p, first, last);
  linear_int8<DotProduct>(p, first, last);
#else
  linear_widening(p, first, last, nullptr);
#endif
}

void linear_widening(const LinearParams& p, std::int64_t first, std::int64_t last, void*) {
  if (!is_packed(p.type)) return linear_float(p, first, last);
  linear_int8<Widening>(p, first, last);
}

}  // namespace nemotron::kernels::neon
#endif
