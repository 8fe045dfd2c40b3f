// Launches of the CUDA kernels: which one, over how many threads, with what arguments. Host code
// without CUDA: a driver, or a test, runs them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/cuda/kernel_list.h"
#include "kernels/cuda/wide_shape.h"

namespace nemotron::kernels::cuda {

struct Launch {
  static constexpr std::size_t kMaxArgsBytes = 192;

  KernelId kernel = KernelId::kCount;
  std::array<std::uint32_t, 3> grid = {1, 1, 1};  // blocks
  std::uint32_t n_threads = 1;                    // of a block
  std::uint32_t shared_bytes = 0;                 // of a block, beside what the kernel declares
  alignas(16) std::array<std::byte, kMaxArgsBytes> args = {};
};

// Whether they are the same call of the same kernel, to the byte: padding in the arguments is zero.
inline bool operator==(const Launch& a, const Launch& b) {
  return a.kernel == b.kernel && a.grid == b.grid && a.n_threads == b.n_threads &&
         a.shared_bytes == b.shared_bytes &&
         std::memcmp(a.args.data(), b.args.data(), a.args.size()) == 0;
}

// Whether there is anything to run: a grid without blocks is an error to the driver.
inline bool is_empty(const Launch& launch) {
  return launch.grid[0] == 0 || launch.grid[1] == 0 || launch.grid[2] == 0;
}

Launch launch_embed(const EmbedArgs& args, std::int64_t n_rows);
Launch launch_rms_norm(const RmsNormArgs& args, std::int64_t n_rows);
Launch launch_gated_group_norm(const GatedGroupNormArgs& args, std::int64_t n_rows);
Launch launch_round_f8(const RoundF8Args& args);
Launch launch_linear(TensorType type, const LinearArgs& args);
// These set n_parts, and of the wide kernels the block: its shape changes no byte of the result.
Launch launch_packed_linear(TensorType type, const PackedLinearArgs& args,
                            const DeviceShape& device);
// FP8 weights times rows of launch_prepare_e4m3().
Launch launch_native_f8_linear(const PackedLinearArgs& args, const DeviceShape& device);
Launch launch_wide_linear(TensorType type, const PackedLinearArgs& args, const WideShape& shape);
bool is_packed_linear(const Launch& launch);
// Whether it is launched with shared_bytes: more than some drivers give unasked.
bool has_dynamic_shared(KernelId kernel);
Launch launch_pack_weights(const PackWeightsArgs& args);
Launch launch_prepare(const PrepareArgs& args, std::int64_t n_rows);
Launch launch_prepare_e4m3(const PrepareArgs& args, std::int64_t n_rows);
Launch launch_relu2(const Relu2Args& args, std::int64_t n_rows);
Launch launch_add(const ElementwiseArgs& args);
Launch launch_gather_rows(const GatherRowsArgs& args, std::int64_t n_rows);
Launch launch_causal_conv1d(const CausalConv1dArgs& args, std::int64_t n_spans);
Launch launch_ssm_scan(const SsmScanArgs& args, std::int64_t n_spans);
// The same for a device with many threads, where the shape allows. The convolution gives the same
// bytes; no span is longer than n_span_rows.
bool can_convolve_in_registers(const CausalConv1dArgs& args);
Launch launch_conv1d_in_registers(const CausalConv1dArgs& args, std::int64_t n_spans,
                                  std::int64_t n_span_rows);
bool can_scan_in_registers(const SsmScanArgs& args);
Launch launch_scan_in_registers(const SsmScanArgs& args, std::int64_t n_spans);
Launch launch_kv_store(const AttentionArgs& args, std::int64_t n_rows);
Launch launch_attention(const AttentionArgs& args, std::int64_t n_rows);
Launch launch_sample(const SampleArgs& args, std::int64_t n_rows);
// On tensor cores, where the shape allows: keys and values in bf16 or q8, the others are left
// alone.
bool can_attend_on_tensor_cores(const AttentionArgs& args);
Launch launch_attention_mma(const AttentionArgs& args, std::int64_t n_rows);  // from first_row on
Launch launch_attention_split(const AttentionArgs& args, std::int64_t n_rows);
Launch launch_attention_merge(const AttentionArgs& args, std::int64_t n_rows);

}  // namespace nemotron::kernels::cuda
