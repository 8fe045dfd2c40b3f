// One table per level. A level names only what it replaces; the rest is the level's below.
#include "kernels/cpu/kernel_table.h"

#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx512/avx512_kernels.h"
#include "kernels/cpu/neon/neon_kernels.h"
#include "kernels/cpu/ref/ref_kernels.h"

namespace nemotron::kernels {

namespace {

constexpr KernelTable kRefKernels = {
    .name = "ref",
    .tile_bytes = ref::tile_bytes,
    .pack_tile = ref::pack_tile,
    .arithmetic = ref::arithmetic,
    .prepared_bytes = ref::prepared_bytes,
    .prepare = ref::prepare,
    .linear_scratch_bytes = ref::linear_scratch_bytes,
    .linear = ref::linear,
    .embed = ref::embed,
    .rms_norm = ref::rms_norm,
    .gated_group_norm = ref::gated_group_norm,
    .causal_conv1d = ref::causal_conv1d,
    .ssm_scan = ref::ssm_scan,
    .kv_store = ref::kv_store,
    .attention = ref::attention,
    .relu2 = ref::relu2,
    .add = ref::add,
};

#if defined(__x86_64__)
constexpr KernelTable make_avx2_kernels() {
  KernelTable table = kRefKernels;
  table.name = "avx2";
  table.tile_bytes = avx2::tile_bytes;
  table.pack_tile = avx2::pack_tile;
  table.arithmetic = avx2::arithmetic;
  table.prepared_bytes = avx2::prepared_bytes;
  table.prepare = avx2::prepare;
  table.linear_scratch_bytes = avx2::linear_scratch_bytes;
  table.linear = avx2::linear;
  table.causal_conv1d = avx2::causal_conv1d;
  table.ssm_scan = avx2::ssm_scan;
  table.attention = avx2::attention;
  return table;
}
constexpr KernelTable kAvx2Kernels = make_avx2_kernels();

constexpr KernelTable make_avx2_vnni_kernels() {
  KernelTable table = kAvx2Kernels;
  table.name = "avx2 (VNNI)";
  table.linear = avx2::linear_vnni;
  return table;
}
constexpr KernelTable kAvx2VnniKernels = make_avx2_vnni_kernels();

constexpr KernelTable make_avx512_kernels() {
  KernelTable table = kAvx2Kernels;
  table.name = "avx512";
  table.tile_bytes = avx512::tile_bytes;
  table.pack_tile = avx512::pack_tile;
  table.arithmetic = avx512::arithmetic;
  table.prepared_bytes = avx512::prepared_bytes;
  table.prepare = avx512::prepare;
  table.linear_scratch_bytes = avx512::linear_scratch_bytes;
  table.linear = avx512::linear;
  table.rms_norm = avx512::rms_norm;
  table.gated_group_norm = avx512::gated_group_norm;
  table.causal_conv1d = avx512::causal_conv1d;
  table.ssm_scan = avx512::ssm_scan;
  table.attention = avx512::attention;
  return table;
}
constexpr KernelTable kAvx512Kernels = make_avx512_kernels();
#endif

#if defined(__aarch64__)
constexpr KernelTable make_neon_kernels(decltype(KernelTable::linear) linear) {
  KernelTable table = kRefKernels;
  table.name = "neon";
  table.tile_bytes = neon::tile_bytes;
  table.pack_tile = neon::pack_tile;
  table.arithmetic = neon::arithmetic;
  table.prepared_bytes = neon::prepared_bytes;
  table.prepare = neon::prepare;
  table.linear_scratch_bytes = neon::linear_scratch_bytes;
  table.linear = linear;
  table.causal_conv1d = neon::causal_conv1d;
  table.ssm_scan = neon::ssm_scan;
  table.attention = neon::attention;
  return table;
}
constexpr KernelTable kNeonKernels = make_neon_kernels(neon::linear_dot_product);
constexpr KernelTable kNeonWideningKernels = make_neon_kernels(neon::linear_widening);
#endif

}  // namespace

const KernelTable& ref_kernels() { return kRefKernels; }

const KernelTable* avx2_kernels() {
#if defined(__x86_64__)
  return &kAvx2Kernels;
#else
  return nullptr;
#endif
}

const KernelTable* avx2_vnni_kernels() {
#if defined(__x86_64__)
  return &kAvx2VnniKernels;
#else
  return nullptr;
#endif
}

const KernelTable* avx512_kernels() {
#if defined(__x86_64__)
  return &kAvx512Kernels;
#else
  return nullptr;
#endif
}

const KernelTable* neon_kernels([[maybe_unused]] bool has_dot_product) {
#if defined(__aarch64__)
  return has_dot_product ? &kNeonKernels : &kNeonWideningKernels;
#else
  return nullptr;
#endif
}

}  // namespace nemotron::kernels
