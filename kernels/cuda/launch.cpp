#include "kernels/cuda/launch.h"

#include <algorithm>
#include <new>

#include "base/checked_math.h"
#include "kernels/cuda/launch_shapes.h"
#include "kernels/cuda/packed_layout.h"

namespace nemotron::kernels::cuda {

namespace {

// So that launches with equal arguments have equal bytes. With a compiler that cannot, equal ones
// may be taken for different, never the reverse.
template <typename Args>
void clear_padding(Launch& launch) {
#if __has_builtin(__builtin_clear_padding)
  __builtin_clear_padding(std::launder(reinterpret_cast<Args*>(launch.args.data())));
#else
  (void)launch;
#endif
}

template <typename Args>
Launch make(KernelId kernel, const Args& args, int n_threads, std::int64_t grid_x,
            std::int64_t grid_y = 1, std::int64_t grid_z = 1) {
  static_assert(std::is_trivially_copyable_v<Args> && sizeof(Args) <= Launch::kMaxArgsBytes);
  Launch launch;
  launch.kernel = kernel;
  launch.grid = {static_cast<std::uint32_t>(grid_x), static_cast<std::uint32_t>(grid_y),
                 static_cast<std::uint32_t>(grid_z)};
  launch.n_threads = static_cast<std::uint32_t>(n_threads);
  std::memcpy(launch.args.data(), &args, sizeof(Args));
  clear_padding<Args>(launch);
  return launch;
}

KernelId linear_kernel(TensorType type) {
  constexpr int kFirst = static_cast<int>(KernelId::k_linear_F32_ref);
  static_assert(static_cast<int>(KernelId::k_linear_NVFP4_ref) - kFirst ==
                static_cast<int>(TensorType::kNVFP4));
  static_assert(static_cast<int>(TensorType::kNVFP4) == kNumTensorTypes - 1);
  return static_cast<KernelId>(kFirst + static_cast<int>(type));
}

// The kernels of packed types follow each other by type, three of each. The first of them.
KernelId packed_linear_kernel(TensorType type) {
  constexpr int kFirst = static_cast<int>(KernelId::k_linear_BF16_narrow);
  constexpr int kFirstType = static_cast<int>(TensorType::kBF16);
  static_assert(static_cast<int>(KernelId::k_linear_NVFP4_wide) - kFirst ==
                3 * (static_cast<int>(TensorType::kNVFP4) - kFirstType) + 2);
  return static_cast<KernelId>(kFirst + 3 * (static_cast<int>(type) - kFirstType));
}

// Enough warps for every multiprocessor where there are few outputs, and work for each of them.
std::int32_t parts_of(std::int64_t n_out, std::int64_t n_in) {
  const std::int64_t wanted = n_out > 8192 ? kMostParts / 2 : kMostParts;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(packed_chunks(n_in) / 2, 1, wanted));
}

// Of the three kernels of a type, of which `narrow` is the first.
KernelId kernel_of(KernelId narrow, int which) {
  return static_cast<KernelId>(static_cast<int>(narrow) + which);
}

Launch launch_blocks(KernelId wide, const WideOperands& operands, PackedLinearArgs args,
                     const WideShape& shape) {
  args.n_parts = parts_of(args.n_out, args.n_in);
  args.block = shape.block(operands, args.n_in);
  Launch launch = make(wide, args, shape.n_warps() * 32, shape.grid_x(args.n_rows),
                       shape.grid_y(operands, args.n_out));
  launch.shared_bytes = static_cast<std::uint32_t>(shape.shared_bytes(operands));
  return launch;
}

Launch launch_tiles(KernelId narrow, const WideOperands& operands, PackedLinearArgs args,
                    const DeviceShape& device) {
  if (args.n_rows > 8 * kMiddleTiles)
    return launch_blocks(kernel_of(narrow, 2), operands, args,
                         wide_shape(operands, args.n_out, args.n_rows, device));
  args.n_parts = parts_of(args.n_out, args.n_in);
  const bool is_narrow = args.n_rows <= 8 * kNarrowTiles;
  return make(kernel_of(narrow, is_narrow ? 0 : 1), args, args.n_parts * 32,
              packed_tiles(args.n_out));
}

}  // namespace

Launch launch_embed(const EmbedArgs& args, std::int64_t n_rows) {
  return make(KernelId::k_embed_ref, args, kRowThreads, n_rows);
}

Launch launch_rms_norm(const RmsNormArgs& args, std::int64_t n_rows) {
  return make(KernelId::k_rms_norm_ref, args, kRowThreads, n_rows);
}

Launch launch_gated_group_norm(const GatedGroupNormArgs& args, std::int64_t n_rows) {
  return make(KernelId::k_gated_group_norm_ref, args, kRowThreads, args.n_groups, n_rows);
}

Launch launch_round_f8(const RoundF8Args& args) {
  return make(KernelId::k_round_f8_ref, args, kRowThreads, ceil_div(args.n, kRowThreads));
}

Launch launch_linear(TensorType type, const LinearArgs& args) {
  return make(linear_kernel(type), args, kLinearOutputs * 32, ceil_div(args.n_out, kLinearOutputs),
              ceil_div(args.n_rows, kLinearRows));
}

Launch launch_packed_linear(TensorType type, const PackedLinearArgs& args,
                            const DeviceShape& device) {
  return launch_tiles(packed_linear_kernel(type), type, args, device);
}

Launch launch_native_f8_linear(const PackedLinearArgs& args, const DeviceShape& device) {
  return launch_tiles(KernelId::k_linear_F8_E4M3_native_narrow, kNativeF8, args, device);
}

Launch launch_wide_linear(TensorType type, const PackedLinearArgs& args, const WideShape& shape) {
  return launch_blocks(kernel_of(packed_linear_kernel(type), 2), type, args, shape);
}

bool has_dynamic_shared(KernelId kernel) {
  const int i = static_cast<int>(kernel) - static_cast<int>(KernelId::k_linear_BF16_narrow);
  return i >= 0 && kernel <= KernelId::k_linear_F8_E4M3_native_wide && i % 3 == 2;
}

bool is_packed_linear(const Launch& launch) {
  return launch.kernel >= KernelId::k_linear_BF16_narrow &&
         launch.kernel <= KernelId::k_linear_F8_E4M3_native_wide;
}

Launch launch_pack_weights(const PackWeightsArgs& args) {
  const std::int64_t n = packed_tiles(args.n_rows) * kTileRows * packed_chunks(args.n_columns);
  return make(KernelId::k_pack_weights, args, kRowThreads, ceil_div(n, kRowThreads));
}

Launch launch_prepare(const PrepareArgs& args, std::int64_t n_rows) {
  return make(KernelId::k_prepare, args, kRowThreads, n_rows);
}

Launch launch_prepare_e4m3(const PrepareArgs& args, std::int64_t n_rows) {
  return make(KernelId::k_prepare_e4m3, args, kRowThreads, n_rows);
}

Launch launch_relu2(const Relu2Args& args, std::int64_t n_rows) {
  return make(KernelId::k_relu2_ref, args, kRowThreads, n_rows);
}

Launch launch_add(const ElementwiseArgs& args) {
  return make(KernelId::k_add_ref, args, kRowThreads, ceil_div(args.n, kRowThreads));
}

Launch launch_gather_rows(const GatherRowsArgs& args, std::int64_t n_rows) {
  return make(KernelId::k_gather_rows_ref, args, kRowThreads, n_rows);
}

Launch launch_causal_conv1d(const CausalConv1dArgs& args, std::int64_t n_spans) {
  return make(KernelId::k_causal_conv1d_ref, args, kConvThreads,
              ceil_div(args.conv_dim, kConvThreads), n_spans);
}

Launch launch_ssm_scan(const SsmScanArgs& args, std::int64_t n_spans) {
  return make(KernelId::k_ssm_scan_ref, args, kScanThreads, args.n_heads, n_spans);
}

bool can_convolve_in_registers(const CausalConv1dArgs& args) {
  return args.d_conv >= 1 && args.d_conv <= kMaxConvTaps;
}

Launch launch_conv1d_in_registers(const CausalConv1dArgs& args, std::int64_t n_spans,
                                  std::int64_t n_span_rows) {
  return make(KernelId::k_causal_conv1d, args, kConvThreads, ceil_div(args.conv_dim, kConvThreads),
              n_spans, ceil_div(n_span_rows, kConvTokens));
}

bool can_scan_in_registers(const SsmScanArgs& args) { return args.d_state <= kMaxScanStates; }

Launch launch_scan_in_registers(const SsmScanArgs& args, std::int64_t n_spans) {
  KernelId kernel = KernelId::k_ssm_scan_256;
  if (args.d_state <= 128) kernel = KernelId::k_ssm_scan_128;
  if (args.d_state <= 64) kernel = KernelId::k_ssm_scan_64;
  return make(kernel, args, kScanWarps * 32,
              args.n_heads * ceil_div(args.head_dim, kScanBlockChannels), n_spans);
}

Launch launch_kv_store(const AttentionArgs& args, std::int64_t n_rows) {
  return make(KernelId::k_kv_store_ref, args, kKvStoreThreads, args.n_kv_heads, n_rows);
}

Launch launch_attention(const AttentionArgs& args, std::int64_t n_rows) {
  static_assert(kAttentionThreads >= kKvBlockTokens);
  return make(KernelId::k_attention_ref, args, kAttentionThreads, args.n_heads, n_rows);
}

Launch launch_sample(const SampleArgs& args, std::int64_t n_rows) {
  return make(KernelId::k_sample_ref, args, kSampleThreads, n_rows);
}

// Queries are read four floats at once.
bool can_attend_on_tensor_cores(const AttentionArgs& args) {
  return has_attention_mma(args.head_dim) && args.n_heads / args.n_kv_heads <= 16 &&
         args.q_stride % 4 == 0 && reinterpret_cast<std::uintptr_t>(args.q) % 16 == 0;
}

Launch launch_attention_mma(const AttentionArgs& args, std::int64_t n_rows) {
  const bool is_128 = args.head_dim == 128;
  return make(is_128 ? KernelId::k_attention_mma_128 : KernelId::k_attention_mma_64, args,
              kAttentionWarps * 32, args.n_kv_heads, n_rows - args.first_row);
}

Launch launch_attention_split(const AttentionArgs& args, std::int64_t n_rows) {
  const bool is_128 = args.head_dim == 128;
  return make(is_128 ? KernelId::k_attention_split_128 : KernelId::k_attention_split_64, args,
              kAttentionWarps * 32, args.n_kv_heads, n_rows, args.n_parts);
}

Launch launch_attention_merge(const AttentionArgs& args, std::int64_t n_rows) {
  return make(KernelId::k_attention_merge, args, static_cast<int>(args.head_dim), args.n_heads,
              n_rows);
}

}  // namespace nemotron::kernels::cuda
