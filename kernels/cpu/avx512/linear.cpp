// Chooses the product for a weight's packed form.
#if defined(__x86_64__)
#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx2/pack.h"
#include "kernels/cpu/avx512/avx512_kernels.h"
#include "kernels/cpu/avx512/linear_float.h"
#include "kernels/cpu/avx512/linear_int8.h"
#include "kernels/cpu/ref/ref_kernels.h"

namespace nemotron::kernels::avx512 {

std::int64_t tile_bytes(TensorType type, std::int64_t n_in) {
  return tile_bytes_as(packed_form(type, n_in), type, n_in);
}

void pack_tile(const PackTileParams& p) { avx2::pack_tile_as(packed_form(p.type, p.n_in), p); }

Arithmetic arithmetic(TensorType type, std::int64_t n_in) {
  return arithmetic_of(packed_form(type, n_in));
}

std::int64_t prepared_bytes(TensorType type, std::int64_t n_rows, std::int64_t n_in) {
  const PackedForm form = packed_form(type, n_in);
  if (form == PackedForm::kNone) return ref::prepared_bytes(type, n_rows, n_in);
  switch (arithmetic_of(form)) {
    case Arithmetic::kInt8:
      return PreparedInt8::size_bytes(n_rows, n_in);
    case Arithmetic::kBF16:
      return n_rows * n_in * 2;
    case Arithmetic::kF32:
      break;
  }
  return n_rows * n_in * 4;
}

void prepare(const PrepareParams& p, std::int64_t first, std::int64_t last) {
  const PackedForm form = packed_form(p.type, p.n_in);
  if (form == PackedForm::kNone) return ref::prepare(p, first, last);
  switch (arithmetic_of(form)) {
    case Arithmetic::kInt8:
      return prepare_int8(p, form, first, last);
    case Arithmetic::kBF16:
      return prepare_bf16(p, first, last);
    case Arithmetic::kF32:
      return prepare_f32(p, first, last);
  }
}

std::int64_t linear_scratch_bytes(TensorType type, std::int64_t n_in) {
  return packed_form(type, n_in) == PackedForm::kNone ? ref::linear_scratch_bytes(type, n_in) : 0;
}

void linear(const LinearParams& p, std::int64_t first, std::int64_t last, void* scratch) {
  const PackedForm form = packed_form(p.type, p.n_in);
  if (form == PackedForm::kNone) return avx2::linear_f32(p, first, last, scratch);
  if (arithmetic_of(form) == Arithmetic::kInt8) return linear_int8(p, form, first, last);
  linear_float(p, form, first, last);
}

}  // namespace nemotron::kernels::avx512
#endif
