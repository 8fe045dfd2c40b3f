// What each CUDA kernel is given: one struct by value, shared by device code and the host that
// fills it. All pointers are device memory. Rows lie `stride` elements apart; where there is no
// stride they are contiguous. What is `prepared`, and not null, are rows of prepared_rows.cuh.
#pragma once

#include <cstdint>

#include "base/float_types.h"
#include "kernels/common/attention_params.h"
#include "kernels/common/mamba2_params.h"
#include "kernels/common/sampling.h"
#include "quant/tensor_type.h"

namespace nemotron::kernels::cuda {

// Consecutive rows of a step that belong to one sequence, and the sequence's state. In an array in
// device memory, one for all layers of the step: state pointers are those of the first layer.
struct SpanArgs {
  std::int64_t first_row = 0;
  std::int64_t n_rows = 0;
  std::int64_t position = 0;         // of the first row in its sequence
  const float* conv_in = nullptr;    // [n_layers, d_conv - 1, conv_dim], oldest first
  float* conv_out = nullptr;         // as conv_in; the same memory, or it does not overlap
  const void* ssm_in = nullptr;      // [n_layers, n_heads, d_state, head_dim] of state_type
  void* ssm_out = nullptr;           // as ssm_in
  void* const* kv_blocks = nullptr;  // as KvView::blocks
  StateType state_type = StateType::kF32;
  KvType kv_type = KvType::kBF16;
};

// out[i] = row tokens[i] of the table.
struct EmbedArgs {
  const void* table = nullptr;
  std::int64_t row_bytes = 0;
  std::int64_t n_columns = 0;
  const std::int32_t* tokens = nullptr;
  float* out = nullptr;
  std::int64_t out_stride = 0;
  TensorType type = TensorType::kF32;
};

struct RmsNormArgs {
  const float* x = nullptr;
  const float* weight = nullptr;
  float* out = nullptr;
  bf16_bits* prepared = nullptr;
  std::int64_t n_columns = 0;
  std::int64_t x_stride = 0;
  float eps = 0.0f;
};

struct GatedGroupNormArgs {
  const float* y = nullptr;
  const float* z = nullptr;
  const float* weight = nullptr;
  float* out = nullptr;
  bf16_bits* prepared = nullptr;
  std::int64_t n_columns = 0;
  std::int64_t y_stride = 0;
  std::int64_t z_stride = 0;
  std::int64_t n_groups = 1;
  float eps = 0.0f;
};

// out[i] = the E4M3 number nearest to x[i] / scale, saturating.
struct RoundF8Args {
  const float* x = nullptr;
  float* out = nullptr;
  std::int64_t n = 0;
  float scale = 1.0f;
};

// The same as prepared rows: bf16 has all numbers of E4M3. Or, by prepare_e4m3, as bytes.
struct PrepareArgs {
  const float* x = nullptr;  // [n_rows, n_columns]
  bf16_bits* prepared = nullptr;
  std::int64_t n_columns = 0;
  float f8_scale = 1.0f;
};

// Rows as in a file to packed_layout.h: n_rows rows, the first of a tile.
struct PackWeightsArgs {
  const void* rows = nullptr;
  void* packed = nullptr;
  std::int64_t row_bytes = 0;
  std::int64_t n_rows = 0;
  std::int64_t n_columns = 0;
  TensorType type = TensorType::kF32;
};

// y[i][j] = scale * sum_k weight[j][k] * x[i][k].
struct LinearArgs {
  const void* weight = nullptr;  // [n_out], rows of blocks, row_bytes apart
  std::int64_t row_bytes = 0;
  std::int64_t n_out = 0;
  std::int64_t n_in = 0;
  const float* x = nullptr;  // [n_rows, n_in]
  std::int64_t n_rows = 0;
  float* y = nullptr;
  std::int64_t y_stride = 0;
  float scale = 1.0f;
};

// What is done with a product before it is stored.
enum class Epilogue : std::uint8_t {
  kStore,
  kAdd,    // y += the product
  kRelu2,  // y = max(the product, 0)^2; also as prepared rows
};

// A block of wide_shape.h, as its threads want it.
struct WideBlock {
  std::int32_t n_tiles = 0;  // of 16 outputs
  std::int32_t n_rows = 0;
  std::int32_t n_stages = 0;
  std::int32_t stage_bytes = 0;
  std::int32_t n_chunks = 0;  // of columns
};

// As LinearArgs, of packed weights and prepared rows.
struct PackedLinearArgs {
  const std::uint8_t* weight = nullptr;
  std::int64_t n_out = 0;
  std::int64_t n_in = 0;
  const bf16_bits* x = nullptr;  // of native products of F8_E4M3: bytes
  std::int64_t n_rows = 0;
  float* y = nullptr;
  std::int64_t y_stride = 0;
  bf16_bits* y_prepared = nullptr;  // with kRelu2
  float scale = 1.0f;
  std::int32_t n_parts = 1;  // in which the columns are summed: of the shape alone
  Epilogue epilogue = Epilogue::kStore;
  WideBlock block;  // of the wide kernels
};

// y = max(x, 0)^2, rows without gaps; `prepared` may be null.
struct Relu2Args {
  const float* x = nullptr;
  float* y = nullptr;
  bf16_bits* prepared = nullptr;
  std::int64_t n_columns = 0;
};

// y += x.
struct ElementwiseArgs {
  const float* x = nullptr;
  float* y = nullptr;
  std::int64_t n = 0;
};

// out[i] = row rows[i] of x.
struct GatherRowsArgs {
  const float* x = nullptr;
  const std::int32_t* rows = nullptr;
  float* out = nullptr;
  std::int64_t n_columns = 0;
  std::int64_t x_stride = 0;
  std::int64_t out_stride = 0;
};

// As CausalConv1dParams, for all spans.
struct CausalConv1dArgs {
  const SpanArgs* spans = nullptr;
  const float* xBC = nullptr;
  const float* weight = nullptr;
  const float* bias = nullptr;
  float* out = nullptr;
  std::int64_t in_stride = 0;
  std::int64_t out_stride = 0;
  std::int64_t conv_dim = 0;
  std::int64_t d_conv = 0;
  std::int64_t layer = 0;
};

// As SsmScanParams, for all spans.
struct SsmScanArgs {
  const SpanArgs* spans = nullptr;
  const float* x = nullptr;
  const float* B = nullptr;
  const float* C = nullptr;
  const float* dt = nullptr;
  const float* dt_bias = nullptr;
  const float* A = nullptr;
  const float* D = nullptr;
  float* y = nullptr;
  std::int64_t x_stride = 0;
  std::int64_t dt_stride = 0;
  std::int64_t y_stride = 0;
  std::int64_t n_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t d_state = 0;
  std::int64_t n_groups = 0;
  std::int64_t layer = 0;
  float dt_min = 0.0f;
  float dt_max = 0.0f;
};

// As KvStoreParams and AttentionParams, for all rows of the step.
struct AttentionArgs {
  const SpanArgs* spans = nullptr;
  const std::int32_t* row_spans = nullptr;  // [n_rows]: the span of each row
  const float* q = nullptr;
  const float* k = nullptr;
  const float* v = nullptr;
  float* out = nullptr;  // [n_rows, n_heads * head_dim]
  std::int64_t q_stride = 0;
  std::int64_t k_stride = 0;
  std::int64_t v_stride = 0;
  std::int64_t n_heads = 0;
  std::int64_t n_kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t layer = 0;
  bf16_bits* prepared = nullptr;  // `out` as prepared_rows.cuh has it; may be null
  // Of attention_split and attention_merge: parts [first_part, first_part + n_parts) of the rows.
  float* scratch = nullptr;  // [n_rows, n_parts, n_heads, head_dim + 2]
  float* carry = nullptr;    // [n_rows, n_heads, 2]: largest score and sum of weights
  std::int64_t first_part = 0;
  std::int64_t n_parts = 0;
  std::int64_t first_row = 0;  // of attention_mma
  float scale = 0.0f;
  bool only_f32 = false;  // attention_ref leaves spans of other types alone
};

// How a token is chosen from a row of logits; as SamplingParams.
struct SampleRow {
  std::uint64_t random = 0;  // bits for this token
  std::int64_t row = 0;
  std::int64_t n_logits = 0;  // the first of the row, 1 to 2^23
  float temperature = 0.0f;   // 0: greedy
  float top_p = 1.0f;
  std::uint32_t top_k = 0;  // 0: all
};

struct SampleArgs {
  const float* logits = nullptr;
  std::int64_t stride = 0;
  const SampleRow* rows = nullptr;
  SampledToken* out = nullptr;  // one for each of `rows`
};

}  // namespace nemotron::kernels::cuda
