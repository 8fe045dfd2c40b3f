// Rows of a file to packed tiles: sixteen rows are read crosswise, eight at a time, and the bits of
// each lane put where its product wants them.
#if defined(__x86_64__)
#include "kernels/cpu/avx2/pack.h"

#include <cstddef>

#include "kernels/cpu/avx2/pack_k.h"
#include "kernels/cpu/avx2/pack_small.h"
#include "kernels/cpu/ref/ref_kernels.h"

namespace nemotron::kernels::avx2 {

namespace {

// The columns of one group.
NEMO_TARGET_AVX2 void pack_group(PackedForm form, const EightRows& rows, std::int64_t offset,
                                 std::byte* group) {
  switch (form) {
    case PackedForm::kQ8_0:
      return pack_q8_0(rows, offset, group);
    case PackedForm::kQ5_0:
      return pack_q5_0(rows, offset, group);
    case PackedForm::kQ5_1:
      return pack_q5_1(rows, offset, group);
    case PackedForm::kQ4_0:
    case PackedForm::kIQ4_NL:
      return pack_q4_0(rows, offset, group);
    case PackedForm::kQ4_1:
      return pack_q4_1(rows, offset, group);
    case PackedForm::kNVFP4:
      return pack_nvfp4(rows, offset, group);
    case PackedForm::kQ2_K:
      return pack_q2_k(rows, offset, group);
    case PackedForm::kQ3_K:
      return pack_q3_k(rows, offset, group);
    case PackedForm::kQ4_K:
      return pack_q4_k(rows, offset, group);
    case PackedForm::kQ5_K:
      return pack_q5_k(rows, offset, group);
    case PackedForm::kQ6_K:
      return pack_q6_k(rows, offset, group);
    case PackedForm::kIQ4_XS:
      return pack_iq4_xs(rows, offset, group);
    case PackedForm::kBF16:
      return pack_bf16(rows, offset, group);
    case PackedForm::kF8:
      return pack_f8(rows, offset, group);
    case PackedForm::kF16:
      return pack_f16(rows, offset, group);
    case PackedForm::kF32:
      return pack_f32(rows, offset, group);
    case PackedForm::kNone:
      break;
  }
}

// Bytes of the next rows, in their order in memory. Sixteen rows that are read at once are too many
// for the processor to foresee.
void fetch_part(const PackTileParams& p, std::int64_t first, std::int64_t n_bytes) {
  const auto* next = static_cast<const char*>(p.next_rows) + first;
  for (std::int64_t i = 0; i < n_bytes; i += kVectorBytes) _mm_prefetch(next + i, _MM_HINT_T1);
}

}  // namespace

void pack_tile_as(PackedForm form, const PackTileParams& p) {
  if (form == PackedForm::kNone) return ref::pack_tile(p);
  const EightRows halves[2] = {{p, 0}, {p, 1}};
  const PackedLayout layout = packed_layout(form);
  const std::int64_t group_columns = layout.blocks_per_group * kBlockColumns;
  const std::int64_t group_bytes = row_bytes(p.type, group_columns);
  auto* group = static_cast<std::byte*>(p.tile);
  for (std::int64_t k = 0; k < p.n_in; k += group_columns, group += layout.group_bytes()) {
    const std::int64_t offset = row_bytes(p.type, k);
    if (p.next_rows != nullptr) fetch_part(p, kTileRows * offset, kTileRows * group_bytes);
    for (const EightRows& rows : halves) pack_group(form, rows, offset, group);
  }
}

}  // namespace nemotron::kernels::avx2
#endif
