// Chooses the product for a weight's packed form.
#if defined(__x86_64__)
#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx512/avx512_kernels.h"
#include "kernels/cpu/avx512/linear_bf16.h"
#include "kernels/cpu/avx512/linear_int8.h"
#include "kernels/cpu/ref/ref_kernels.h"

namespace nemotron::kernels::avx512 {

Arithmetic arithmetic(TensorType type, std::int64_t n_in) {
  const PackedForm form = packed_form(type, n_in);
  if (form == PackedForm::kNone) return Arithmetic::kF32;
  return takes_bf16(form) ? Arithmetic::kBF16 : Arithmetic::kInt8;
}

std::int64_t prepared_bytes(TensorType type, std::int64_t n_rows, std::int64_t n_in) {
  const PackedForm form = packed_form(type, n_in);
  if (form == PackedForm::kNone) return ref::prepared_bytes(type, n_rows, n_in);
  return takes_bf16(form) ? bf16_prepared_bytes(n_rows, n_in)
                          : PreparedInt8::size_bytes(n_rows, n_in);
}

void prepare(const PrepareParams& p, std::int64_t first, std::int64_t last) {
  const PackedForm form = packed_form(p.type, p.n_in);
  if (form == PackedForm::kNone) return ref::prepare(p, first, last);
  if (takes_bf16(form)) return prepare_bf16(p, first, last);
  prepare_int8(p, form, first, last);
}

std::int64_t linear_scratch_bytes(TensorType type, std::int64_t n_in) {
  const PackedForm form = packed_form(type, n_in);
  if (form == PackedForm::kNone) return ref::linear_scratch_bytes(type, n_in);
  return 0;
}

void linear(const LinearParams& p, std::int64_t first, std::int64_t last, void* scratch) {
  const PackedForm form = packed_form(p.type, p.n_in);
  if (form == PackedForm::kNone) return avx2::linear(p, first, last, scratch);
  if (takes_bf16(form)) return linear_bf16(p, form, first, last);
  linear_int8(p, form, first, last);
}

}  // namespace nemotron::kernels::avx512
#endif
