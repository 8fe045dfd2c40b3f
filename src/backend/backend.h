// The operations of the model, at the level at which a device can fuse them. The layer code is
// written over this interface alone; one virtual call per operation, never per element.
//
// Operations are recorded, in order, and run later: by advance(), or before read(), write(),
// zero() and copy(). They do not allocate and do not fail: a device's fault shows in advance() and
// synchronize(). All pointers in views are the backend's own memory. Numbers, views and the structs
// that hold them are recorded by value; what they point to, spans of tokens and rows and the arrays
// of a StepBatch included, must live, and stay as it is, until the operation ran. One caller and
// one step at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend_memory.h"
#include "backend/operation_profile.h"
#include "backend/step_batch.h"
#include "backend/tensor.h"
#include "base/result.h"
#include "sampling/sampler.h"
#include "threading/run_limit.h"

namespace nemotron {

struct Conv1dWeights {
  const float* weight = nullptr;  // [d_conv, conv_dim], tap-major, oldest tap first
  const float* bias = nullptr;    // [conv_dim]
  std::int64_t conv_dim = 0;
  std::int64_t d_conv = 0;
};

struct SsmWeights {
  const float* A = nullptr;        // [n_heads], negative
  const float* D = nullptr;        // [n_heads]
  const float* dt_bias = nullptr;  // [n_heads]
  std::int64_t n_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t d_state = 0;
  std::int64_t n_groups = 0;
  float dt_min = 0.0f;
  float dt_max = 0.0f;
};

struct NormWeights {
  const float* weight = nullptr;  // [n_columns]
  std::int64_t n_groups = 1;      // groups of columns, each with its own mean
  float eps = 0.0f;
};

struct AttentionShape {
  std::int64_t n_heads = 0;
  std::int64_t n_kv_heads = 0;
  std::int64_t head_dim = 0;
};

// The keys, or the values, of one layer in a KV block, as rows in the order of a saved session: one
// position after another, each [n_kv_heads, head_dim]; of a type with scales, each head's follow
// it.
struct KvPart {
  KvLayout layout;
  std::int64_t layer = 0;
  bool is_values = false;
  // As ModelFile::interleaves_keys(); the rows are not, but in q8: there the scales belong to
  // groups of neighbours in the block.
  bool is_interleaved = false;

  std::size_t row_bytes() const {
    return static_cast<std::size_t>(layout.part_bytes() / kernels::kKvBlockTokens);
  }
};

// Tokens that are chosen at a time.
inline constexpr std::size_t kMaxTokenChoices = 64;

class Backend {
 public:
  virtual ~Backend() = default;

  // "cpu/avx2", "cuda": for logs.
  virtual const char* name() const = 0;

  // What things take in its memory.
  virtual const BackendMemory& memory() const = 0;

  // Memory. kOutOfMemory.
  virtual Result<DeviceBuffer> allocate(std::size_t size_bytes) = 0;
  // These four act after everything before them is done, which they wait for.
  virtual void zero(const DeviceBuffer& buffer) = 0;
  virtual Status read(const float* device, std::span<float> host) = 0;
  virtual Status write(const DeviceBuffer& device, std::span<const float> host) = 0;
  // State that no recorded operation touches, to the host and back. Any thread.
  virtual Status read_bytes(const void* device, std::span<std::byte> host) = 0;
  virtual Status write_bytes(void* device, std::span<const std::byte> host) = 0;
  // The same for the first rows of a part of a KV block; `rows` holds a whole number of them.
  virtual Status read_kv(const KvPart& part, const void* block, std::span<std::byte> rows) = 0;
  virtual Status write_kv(const KvPart& part, void* block, std::span<const std::byte> rows) = 0;
  // Device to device.
  virtual void copy(void* to, const void* from, std::size_t size_bytes) = 0;

  // Running.
  // Makes room for a step of that many operations, so that recording it never allocates. An
  // operation for which there is no room waits for those before it. kOutOfMemory.
  virtual Status reserve_operations(std::size_t n) = 0;
  // Whether it runs beside the caller, who then does other work between start() and advance().
  virtual bool runs_beside_caller() const { return false; }
  // Lets it begin with what is recorded, as far as that needs no waiting. Within the limit, as
  // advance(), which also tells what goes wrong.
  virtual void start(const RunLimit& /*limit*/) {}
  // Runs recorded operations in order until none is left or the limit is reached; true when none is
  // left. A call always gets some work done, about 0.5 ms of it at most where the limit is reached
  // already. The results are the same bytes however often and wherever it was interrupted.
  virtual Result<bool> advance(const RunLimit& limit) = 0;
  // Runs all of them.
  virtual Status synchronize() = 0;

  // Measures each operation from now on, beginning at zero, or stops it. What it found so far;
  // empty where a backend has no such figures. Any thread, at any time.
  virtual void set_profiling(bool /*enabled*/) {}
  virtual std::vector<OperationFigures> profile() const { return {}; }

  // Weights.
  virtual Result<Matrix> upload(const MatrixSource& source) = 0;

  // The rows of an activation as floats, [n_rows, n_columns], unrounded; after everything before it
  // is done.
  virtual Status read_activation(Activation x, std::span<float> rows) = 0;

  // Row operations.
  virtual void embed(const Matrix& table, std::span<const std::int32_t> tokens, TensorView out) = 0;
  virtual void rms_norm(TensorView x, const NormWeights& w, Activation out) = 0;
  virtual void linear(Activation x, const Matrix& weight, TensorView out) = 0;
  // These two use x up: what it holds afterwards is not said. A product that makes x, and is
  // recorded right before them, can so be one with them.
  virtual void relu2(TensorView x, Activation out) = 0;
  virtual void add(TensorView x, TensorView residual) = 0;  // residual += x
  virtual void gather_rows(TensorView x, std::span<const std::int32_t> rows, TensorView out) = 0;
  virtual void gated_group_norm(TensorView y, TensorView z, const NormWeights& w,
                                Activation out) = 0;

  // Chooses a token for each of `choices` from a row of the logits, as sample_token() does and the
  // same one. At most kMaxTokenChoices; they and the logits stay until the tokens were asked for.
  virtual void choose_tokens(TensorView logits, std::span<const TokenChoice> choices) = 0;
  // That of choices[i] of the last call, after everything before is done. kDeviceLost. May throw
  // bad_alloc.
  virtual Result<SampledToken> chosen_token(std::size_t i) = 0;

  // Operations along sequences. `layer` counts among the layers of its kind.
  virtual void causal_conv1d(const StepBatch& batch, int layer, TensorView xBC,
                             const Conv1dWeights& w, TensorView out) = 0;
  // x, B, C: columns of the convolution's output; dt: raw, before bias and softplus.
  virtual void ssm_scan(const StepBatch& batch, int layer, TensorView x, TensorView B, TensorView C,
                        TensorView dt, const SsmWeights& w, TensorView y) = 0;
  // Stores k and v in the sequences' blocks, then attends to all positions up to each row's own.
  // `carry` is working memory, of BackendMemory::attention_bytes(); on the CPU each head's running
  // maximum and sum.
  virtual void attention(const StepBatch& batch, int layer, TensorView q, TensorView k,
                         TensorView v, const AttentionShape& shape, TensorView carry,
                         Activation out) = 0;
};

}  // namespace nemotron
