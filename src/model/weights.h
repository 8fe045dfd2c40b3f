// The weights of a model on its backend: constant after loading, shared by all sessions.
#pragma once

#include <cstdint>
#include <functional>
#include <variant>
#include <vector>

#include "backend/backend.h"
#include "model/config.h"

namespace nemotron {

class ModelFile;

struct Mamba2Weights {
  Matrix in_proj;  // [in_proj_rows, d_model]
  Conv1dWeights conv;
  SsmWeights ssm;
  NormWeights gated_norm;
  Matrix out_proj;  // [d_model, d_inner]
};

struct AttentionWeights {
  Matrix q_proj;  // [q_dim, d_model]
  Matrix k_proj;  // [kv_dim, d_model]
  Matrix v_proj;  // [kv_dim, d_model]
  Matrix o_proj;  // [d_model, q_dim]
  AttentionShape shape;
};

struct MlpWeights {
  Matrix up_proj;    // [d_ff, d_model]
  Matrix down_proj;  // [d_model, d_ff]
};

struct LayerWeights {
  NormWeights norm;
  std::variant<Mamba2Weights, AttentionWeights, MlpWeights> mixer;
  int index_in_kind = 0;  // among the layers with the same mixer; picks the layer's state
};

struct ModelWeights {
  Matrix embeddings;  // [n_vocab, d_model], for looking up
  Matrix output;      // [n_vocab, d_model], for products; a second copy when tied to the embeddings
  NormWeights final_norm;
  std::vector<LayerWeights> layers;
  std::vector<DeviceBuffer> vectors;  // what the pointers above point to
  std::uint64_t size_bytes = 0;       // in the backend's memory
  std::uint64_t mapped_bytes = 0;     // of the file, where they stay: each tensor once
};

enum class WeightAccess : std::uint8_t {
  kCopied,  // read into memory of our own, in the form that products read fastest
  kMapped,  // matrices stay in the mapping of their file, which is shared between processes
};

// Returns non-zero to cancel.
using LoadProgress =
    std::function<std::int32_t(std::uint64_t done_bytes, std::uint64_t total_bytes)>;

// What they take in a backend's memory.
struct WeightBytes {
  std::uint64_t stored_bytes = 0;   // ModelWeights::size_bytes
  std::uint64_t product_bytes = 0;  // working memory of products with them
  std::uint64_t mapped_bytes = 0;   // ModelWeights::mapped_bytes
};
WeightBytes measure_weights(const ModelFile& file, const BackendMemory& memory,
                            WeightAccess access);

// Reads and uploads every tensor, or maps its file. `file` is complete and consistent: src/formats
// has checked it. kFileRead, kFileChanged, kOutOfMemory, kCancelled.
Result<ModelWeights> load_weights(const ModelFile& file, Backend& backend,
                                  const LoadProgress& progress,
                                  WeightAccess access = WeightAccess::kCopied);

}  // namespace nemotron
