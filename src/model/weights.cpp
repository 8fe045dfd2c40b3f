// Brings the tensors of a file onto the backend: matrices as they are stored, the small tensors as
// f32 in the form of the mathematics (A rather than A_log, convolution taps first).
#include "model/weights.h"

#include <algorithm>
#include <utility>

#include "formats/model_file.h"
#include "kernels/common/math.h"

namespace nemotron {

namespace {

class WeightLoader {
 public:
  // Without a backend nothing is read: the same walk over all tensors measures them.
  WeightLoader(const ModelFile& file, const BackendMemory& memory, Backend* backend,
               WeightAccess access, const LoadProgress& progress)
      : file_(file), memory_(memory), backend_(backend), access_(access), progress_(progress) {}

  Result<ModelWeights> load();
  WeightBytes measure();

 private:
  Status load_all();
  Status load_layer(int layer, LayerKind kind, LayerWeights& out);
  Result<Mamba2Weights> load_mamba2(int layer);
  Result<AttentionWeights> load_attention(int layer);
  Result<MlpWeights> load_mlp(int layer);
  Status load_conv(int layer, Conv1dWeights& out);
  Status load_ssm(int layer, SsmWeights& out);

  Status load_matrix(TensorRole role, int layer, Matrix& out, MatrixUse use = MatrixUse::kProduct);
  Result<std::vector<float>> read_vector(TensorRole role, int layer);
  Status load_vector(TensorRole role, int layer, const float*& out);
  Status upload_vector(const std::vector<float>& values, const float*& out);
  Status report(std::uint64_t more_bytes);

  const ModelFile& file_;
  const BackendMemory& memory_;
  Backend* backend_;
  const WeightAccess access_;
  const LoadProgress& progress_;
  std::vector<std::shared_ptr<const MappedBytes>> mappings_;  // by TensorEntry::file
  ModelWeights weights_;
  std::uint64_t done_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;
  std::uint64_t product_bytes_ = 0;
};

Result<ModelWeights> WeightLoader::load() {
  const bool maps = access_ == WeightAccess::kMapped && backend_ != nullptr;
  if (maps) {
    NEMO_ASSIGN(mappings_, file_.map());
  }
  Status loaded = load_all();
  // Pages that a file has lost cannot be read.
  if (maps && (loaded.is_ok() || loaded.code() == StatusCode::kFileRead))
    NEMO_TRY(file_.check_unchanged());
  if (!loaded.is_ok()) return loaded;
  return std::move(weights_);
}

Status WeightLoader::load_all() {
  const ModelConfig& config = file_.config();
  for (const TensorEntry& entry : file_.table()) total_bytes_ += entry.size_bytes;
  if (config.tied_output)  // read twice: as a table and as a factor
    total_bytes_ += file_.lookup(TensorRole::token_embedding, kNoLayer)->size_bytes;
  NEMO_TRY(
      load_matrix(TensorRole::token_embedding, kNoLayer, weights_.embeddings, MatrixUse::kLookup));
  const TensorRole output = config.tied_output ? TensorRole::token_embedding : TensorRole::output;
  NEMO_TRY(load_matrix(output, kNoLayer, weights_.output));
  weights_.final_norm.eps = config.norm_eps;
  NEMO_TRY(load_vector(TensorRole::final_norm, kNoLayer, weights_.final_norm.weight));
  int n_of_kind[3] = {};
  weights_.layers.resize(config.layers.size());
  for (int i = 0; i < config.n_layers; ++i) {
    const LayerKind kind = config.layers[static_cast<std::size_t>(i)];
    LayerWeights& layer = weights_.layers[static_cast<std::size_t>(i)];
    layer.index_in_kind = n_of_kind[static_cast<int>(kind)]++;
    NEMO_TRY(load_layer(i, kind, layer));
  }
  return report(total_bytes_ - done_bytes_);  // tensors that the model does not use
}

WeightBytes WeightLoader::measure() {
  const Result<ModelWeights> weights = load();  // cannot fail: nothing is read
  return {weights->size_bytes, product_bytes_, weights->mapped_bytes};
}

Status WeightLoader::load_layer(int layer, LayerKind kind, LayerWeights& out) {
  out.norm.eps = file_.config().norm_eps;
  NEMO_TRY(load_vector(TensorRole::norm, layer, out.norm.weight));
  switch (kind) {
    case LayerKind::mamba2: {
      NEMO_ASSIGN(out.mixer, load_mamba2(layer));
      break;
    }
    case LayerKind::attention: {
      NEMO_ASSIGN(out.mixer, load_attention(layer));
      break;
    }
    case LayerKind::mlp: {
      NEMO_ASSIGN(out.mixer, load_mlp(layer));
      break;
    }
  }
  return Status::ok();
}

Result<Mamba2Weights> WeightLoader::load_mamba2(int layer) {
  Mamba2Weights w;
  NEMO_TRY(load_matrix(TensorRole::in_proj, layer, w.in_proj));
  NEMO_TRY(load_conv(layer, w.conv));
  NEMO_TRY(load_ssm(layer, w.ssm));
  w.gated_norm.n_groups = file_.config().n_groups;
  w.gated_norm.eps = file_.config().norm_eps;
  NEMO_TRY(load_vector(TensorRole::gated_norm, layer, w.gated_norm.weight));
  NEMO_TRY(load_matrix(TensorRole::out_proj, layer, w.out_proj));
  return w;
}

Result<AttentionWeights> WeightLoader::load_attention(int layer) {
  const ModelConfig& config = file_.config();
  AttentionWeights w;
  w.shape = {config.n_heads, config.n_kv_heads, config.head_dim};
  NEMO_TRY(load_matrix(TensorRole::q_proj, layer, w.q_proj));
  NEMO_TRY(load_matrix(TensorRole::k_proj, layer, w.k_proj));
  NEMO_TRY(load_matrix(TensorRole::v_proj, layer, w.v_proj));
  NEMO_TRY(load_matrix(TensorRole::o_proj, layer, w.o_proj));
  return w;
}

Result<MlpWeights> WeightLoader::load_mlp(int layer) {
  MlpWeights w;
  NEMO_TRY(load_matrix(TensorRole::up_proj, layer, w.up_proj));
  NEMO_TRY(load_matrix(TensorRole::down_proj, layer, w.down_proj));
  return w;
}

Status WeightLoader::load_conv(int layer, Conv1dWeights& out) {
  out.conv_dim = file_.config().conv_dim();
  out.d_conv = file_.config().d_conv;
  NEMO_ASSIGN(const std::vector<float> stored, read_vector(TensorRole::conv_weight, layer));
  std::vector<float> tap_major(stored.size());  // stored is [conv_dim, d_conv]
  const auto n_channels = static_cast<std::size_t>(out.conv_dim);
  const auto n_taps = static_cast<std::size_t>(out.d_conv);
  for (std::size_t c = 0; c < n_channels; ++c)
    for (std::size_t k = 0; k < n_taps; ++k) tap_major[k * n_channels + c] = stored[c * n_taps + k];
  NEMO_TRY(upload_vector(tap_major, out.weight));
  return load_vector(TensorRole::conv_bias, layer, out.bias);
}

Status WeightLoader::load_ssm(int layer, SsmWeights& out) {
  const ModelConfig& config = file_.config();
  out.n_heads = config.n_ssm_heads;
  out.head_dim = config.ssm_head_dim;
  out.d_state = config.d_state;
  out.n_groups = config.n_groups;
  out.dt_min = config.dt_min;
  out.dt_max = config.dt_max;
  NEMO_ASSIGN(std::vector<float> A, read_vector(TensorRole::A, layer));
  if (file_.stores_A_log())
    for (float& a : A) a = -kernels::exp_f32(a);
  NEMO_TRY(upload_vector(A, out.A));
  NEMO_TRY(load_vector(TensorRole::D, layer, out.D));
  return load_vector(TensorRole::dt_bias, layer, out.dt_bias);
}

Status WeightLoader::load_matrix(TensorRole role, int layer, Matrix& out, MatrixUse use) {
  const TensorEntry& entry = *file_.lookup(role, layer);
  MatrixSource source;
  source.use = use;
  source.type = entry.type;
  source.n_rows = static_cast<std::int64_t>(entry.shape[0]);
  source.n_columns = static_cast<std::int64_t>(entry.shape[1]);
  const MatrixScales scales = file_.scales(role, layer);
  source.weight_scale = scales.weight;
  source.input_scale = scales.input;
  source.read = [&](std::uint64_t offset, std::span<std::byte> bytes) {
    return file_.read_raw(entry, offset, bytes);
  };
  source.progress = [&](std::uint64_t more_bytes) { return report(more_bytes); };
  source.is_mapped = access_ == WeightAccess::kMapped;
  source.mapping_offset = entry.offset_bytes;
  if (!mappings_.empty()) source.mapping = mappings_[entry.file];
  product_bytes_ = std::max(product_bytes_, memory_.product_bytes(source));
  const std::uint64_t stored_bytes = memory_.matrix_bytes(source);
  weights_.size_bytes += stored_bytes;
  const bool is_second_use = role == TensorRole::token_embedding && use == MatrixUse::kProduct;
  if (stored_bytes == 0 && !is_second_use) weights_.mapped_bytes += entry.size_bytes;
  if (backend_ == nullptr) return Status::ok();
  NEMO_ASSIGN(out, backend_->upload(source));
  return Status::ok();
}

Result<std::vector<float>> WeightLoader::read_vector(TensorRole role, int layer) {
  const TensorEntry& entry = *file_.lookup(role, layer);
  std::vector<float> values(entry.n_elements());
  if (backend_ == nullptr) return values;
  NEMO_TRY(file_.read_f32(entry, values));
  NEMO_TRY(report(entry.size_bytes));
  return values;
}

Status WeightLoader::load_vector(TensorRole role, int layer, const float*& out) {
  NEMO_ASSIGN(const std::vector<float> values, read_vector(role, layer));
  return upload_vector(values, out);
}

Status WeightLoader::upload_vector(const std::vector<float>& values, const float*& out) {
  const std::size_t size_bytes = values.size() * sizeof(float);
  if (backend_ == nullptr) {
    weights_.size_bytes += size_bytes;
    return Status::ok();
  }
  NEMO_ASSIGN(DeviceBuffer buffer, backend_->allocate(size_bytes));
  NEMO_TRY(backend_->write(buffer, values));
  out = buffer.floats();
  weights_.size_bytes += buffer.size_bytes();
  weights_.vectors.push_back(std::move(buffer));
  return Status::ok();
}

Status WeightLoader::report(std::uint64_t more_bytes) {
  done_bytes_ += more_bytes;
  if (progress_ && progress_(done_bytes_, total_bytes_) != 0)
    return Status(StatusCode::kCancelled, "loading was cancelled by the progress callback");
  return Status::ok();
}

}  // namespace

Result<ModelWeights> load_weights(const ModelFile& file, Backend& backend,
                                  const LoadProgress& progress, WeightAccess access) {
  return WeightLoader(file, backend.memory(), &backend, access, progress).load();
}

WeightBytes measure_weights(const ModelFile& file, const BackendMemory& memory,
                            WeightAccess access) {
  return WeightLoader(file, memory, nullptr, access, {}).measure();
}

}  // namespace nemotron
