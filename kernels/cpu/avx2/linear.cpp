// Chooses the product for a weight: int8 for quantized types, f32 for the others, which are kept as
// in a file.
#if defined(__x86_64__)
#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx2/linear_int8.h"
#include "kernels/cpu/avx2/pack.h"
#include "kernels/cpu/ref/ref_kernels.h"

namespace nemotron::kernels::avx2 {

namespace {

PackedForm int8_form(TensorType type, std::int64_t n_in) {
  const PackedForm form = packed_form(type, n_in);
  return arithmetic_of(form) == Arithmetic::kInt8 ? form : PackedForm::kNone;
}

}  // namespace

std::int64_t tile_bytes(TensorType type, std::int64_t n_in) {
  return tile_bytes_as(int8_form(type, n_in), type, n_in);
}

void pack_tile(const PackTileParams& p) { pack_tile_as(int8_form(p.type, p.n_in), p); }

Arithmetic arithmetic(TensorType type, std::int64_t n_in) {
  return arithmetic_of(int8_form(type, n_in));
}

std::int64_t prepared_bytes(TensorType type, std::int64_t n_rows, std::int64_t n_in) {
  return int8_form(type, n_in) == PackedForm::kNone ? ref::prepared_bytes(type, n_rows, n_in)
                                                    : PreparedInt8::size_bytes(n_rows, n_in);
}

void prepare(const PrepareParams& p, std::int64_t first, std::int64_t last) {
  const PackedForm form = int8_form(p.type, p.n_in);
  if (form == PackedForm::kNone) return ref::prepare(p, first, last);
  prepare_int8(p, form, first, last);
}

std::int64_t linear_scratch_bytes(TensorType type, std::int64_t n_in) {
  return int8_form(type, n_in) == PackedForm::kNone ? ref::linear_scratch_bytes(type, n_in) : 0;
}

void linear(const LinearParams& p, std::int64_t first, std::int64_t last, void* scratch) {
  const PackedForm form = int8_form(p.type, p.n_in);
  if (form == PackedForm::kNone) return linear_f32(p, first, last, scratch);
  linear_int8(p, form, first, last);
}

void linear_vnni(const LinearParams& p, std::int64_t first, std::int64_t last, void* scratch) {
  const PackedForm form = int8_form(p.type, p.n_in);
  if (form == PackedForm::kNone) return linear_f32(p, first, last, scratch);
  linear_int8_vnni(p, form, first, last);
}

}  // namespace nemotron::kernels::avx2
#endif
