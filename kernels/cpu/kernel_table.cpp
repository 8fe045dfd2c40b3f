// One table per level. A level names only what it replaces; the rest is `ref`.
#include "kernels/cpu/kernel_table.h"

#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/ref/ref_kernels.h"

namespace nemotron::kernels {

namespace {

constexpr KernelTable kRefKernels = {
    .name = "ref",
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
  table.linear = avx2::linear;
  return table;
}
constexpr KernelTable kAvx2Kernels = make_avx2_kernels();
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

}  // namespace nemotron::kernels
