// The kernels of the CUDA module, by name: the one list that the device code, the launches and the
// tests are made from. `_ref` kernels are the plain ones: obviously right, not fast. Those
// with mma.cuh want a compute capability of kMinMmaCapability, `_native` ones has_e4m3_mma().
#pragma once

#include <cstdint>

#include "kernels/cuda/kernel_args.h"

// X(name, its argument struct)
#define NEMO_CUDA_KERNELS(X)                               \
  X(embed_ref, EmbedArgs)                                  \
  X(rms_norm_ref, RmsNormArgs)                             \
  X(gated_group_norm_ref, GatedGroupNormArgs)              \
  X(round_f8_ref, RoundF8Args)                             \
  X(relu2_ref, Relu2Args)                                  \
  X(add_ref, ElementwiseArgs)                              \
  X(gather_rows_ref, GatherRowsArgs)                       \
  X(causal_conv1d_ref, CausalConv1dArgs)                   \
  X(ssm_scan_ref, SsmScanArgs)                             \
  X(kv_store_ref, AttentionArgs)                           \
  X(attention_ref, AttentionArgs)                          \
  X(sample_ref, SampleArgs)                                \
  X(causal_conv1d, CausalConv1dArgs)                       \
  X(ssm_scan_64, SsmScanArgs)                              \
  X(ssm_scan_128, SsmScanArgs)                             \
  X(ssm_scan_256, SsmScanArgs)                             \
  X(attention_mma_64, AttentionArgs)                       \
  X(attention_mma_128, AttentionArgs)                      \
  X(attention_split_64, AttentionArgs)                     \
  X(attention_split_128, AttentionArgs)                    \
  X(attention_merge, AttentionArgs)                        \
  NEMO_CUDA_WEIGHT_TYPES(NEMO_CUDA_LINEAR_ENTRY, X)        \
  X(prepare, PrepareArgs)                                  \
  X(prepare_e4m3, PrepareArgs)                             \
  X(pack_weights, PackWeightsArgs)                         \
  NEMO_CUDA_PACKED_TYPES(NEMO_CUDA_PACKED_LINEAR_ENTRY, X) \
  NEMO_CUDA_PACKED_LINEAR_ENTRY(X, F8_E4M3_native)

// In the order of TensorType.
// clang-format off
#define NEMO_CUDA_WEIGHT_TYPES(Y, X)                                                         \
  Y(X, F32)                                                                                  \
  Y(X, F16)                                                                                  \
  NEMO_CUDA_PACKED_TYPES(Y, X)
#define NEMO_CUDA_PACKED_TYPES(Y, X)                                                         \
  Y(X, BF16) Y(X, F8_E4M3) Y(X, Q4_0) Y(X, Q4_1) Y(X, Q5_0) Y(X, Q5_1) Y(X, Q8_0) Y(X, Q2_K) \
      Y(X, Q3_K) Y(X, Q4_K) Y(X, Q5_K) Y(X, Q6_K) Y(X, IQ4_NL) Y(X, IQ4_XS) Y(X, NVFP4)
// clang-format on
#define NEMO_CUDA_LINEAR_ENTRY(X, type) X(linear_##type##_ref, LinearArgs)
// For up to 8 rows, for up to 32, and for more.
#define NEMO_CUDA_PACKED_LINEAR_ENTRY(X, type) \
  X(linear_##type##_narrow, PackedLinearArgs)  \
  X(linear_##type##_middle, PackedLinearArgs)  \
  X(linear_##type##_wide, PackedLinearArgs)

namespace nemotron::kernels::cuda {

#define NEMO_ENTRY(name, args) k_##name,
enum class KernelId : std::uint16_t { NEMO_CUDA_KERNELS(NEMO_ENTRY) kCount };
#undef NEMO_ENTRY

inline constexpr int kNumKernels = static_cast<int>(KernelId::kCount);

// As exported by the module.
inline constexpr const char* kKernelNames[] = {
#define NEMO_ENTRY(name, args) "nemo_" #name,
    NEMO_CUDA_KERNELS(NEMO_ENTRY)
#undef NEMO_ENTRY
};

// FNV-1a over names and sizes of arguments: equal where the list is.
constexpr std::uint64_t kernel_signature() {
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto add = [&hash](std::uint64_t byte) { hash = (hash ^ byte) * 0x100000001b3u; };
#define NEMO_ENTRY(name, args)                                                   \
  for (const char* c = #name; *c != 0; ++c) add(static_cast<unsigned char>(*c)); \
  add(sizeof(args));
  NEMO_CUDA_KERNELS(NEMO_ENTRY)
#undef NEMO_ENTRY
  return hash;
}

}  // namespace nemotron::kernels::cuda
