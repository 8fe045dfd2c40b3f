#include "convert/quantize_model.h"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "convert/choose_types.h"
#include "convert/gguf_keys.h"
#include "convert/importance_matrix.h"
#include "convert/quantize_to_folder.h"
#include "convert/tokenizer_source.h"
#include "convert/weight_reader.h"
#include "formats/open_model.h"
#include "io/paths.h"
#include "quant/quantize.h"
#include "threading/thread_pool.h"

namespace nemotron {
namespace {

constexpr std::uint64_t kQuantizedElements = 1 << 18;

// The name of a folder or file, without its ending.
Result<std::string> model_name(const std::string& path) {
  NEMO_ASSIGN(const PathKind kind, kind_of(path));
  std::string_view name = path;
  while (name.size() > 1 && name.back() == '/') name.remove_suffix(1);
  name = file_name_of(name);
  return std::string(kind == PathKind::kFolder ? name : name.substr(0, name.rfind('.')));
}

// Everything that the file said, but for what is no longer so.
Status copy_metadata(const ModelFile& model, GgufMetadata& metadata) {
  NEMO_ASSIGN(const auto source, open_file(model.path()));
  NEMO_ASSIGN(const GgufFile file, read_gguf(*source));
  bool has_extra_layers = false;
  for (const auto& [key, value] : file.metadata) {
    const bool is_extra = key.ends_with(".nextn_predict_layers");
    has_extra_layers = has_extra_layers || is_extra;
    if (key == "general.alignment" || key.starts_with("split.") || is_extra) continue;
    metadata.set_value(key, value);
  }
  // Blocks for predicting further tokens are left out; keys that count them are written anew.
  if (!has_extra_layers) return Status::ok();
  NEMO_ASSIGN(const std::string name, model_name(model.path()));
  add_architecture(model.config(), name, metadata);
  return Status::ok();
}

Result<GgufMetadata> make_metadata(const ModelFile& model, const std::string& input,
                                   FileType type) {
  GgufMetadata metadata;
  if (model.format_name() == "GGUF") {
    NEMO_TRY(copy_metadata(model, metadata));
  } else {
    NEMO_ASSIGN(const std::string name, model_name(input));
    add_architecture(model.config(), name, metadata);
    NEMO_TRY(TokenizerSource::of(model.tokenizer()).add_to(metadata, model.config().n_vocab));
  }
  add_file_type(type, metadata);
  return metadata;
}

// What llama.cpp's quantizer says of the matrix that it used.
void add_importance_keys(const ImportanceMatrix& matrix, const std::string& path,
                         GgufMetadata& metadata) {
  metadata.set_string("quantize.imatrix.file", path);
  if (!matrix.datasets.empty())
    metadata.set_string("quantize.imatrix.dataset", matrix.datasets.front());
  metadata.set_uint32("quantize.imatrix.entries_count",
                      static_cast<std::uint32_t>(matrix.entries.size()));
  metadata.set_uint32("quantize.imatrix.chunks_count", matrix.n_chunks);
}

// The importance of the columns of each tensor of the plan, where the matrix knows it.
Result<std::vector<std::vector<float>>> importance_of(const TensorPlan& plan,
                                                      const ImportanceMatrix& matrix) {
  std::vector<std::vector<float>> out(plan.size());
  bool knows_one = false;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (!is_matrix(plan[i].slot.role)) continue;
    NEMO_ASSIGN(out[i], matrix.importance(plan[i].entry.name, plan[i].entry.dims().back()));
    knows_one = knows_one || !out[i].empty();
  }
  if (!knows_one)
    return Status{StatusCode::kConfigMismatch,
                  "the importance matrix knows none of the model's matrices"};
  return out;
}

Status quantize_to_gguf(const ModelFile& model, const std::string& input,
                        const std::string& output_path, FileType type,
                        const ImportanceMatrix* matrix, const QuantizeOptions& options) {
  const WeightReader reader(model, NameStyle::gguf);
  TensorPlan plan = plan_gguf(model.config(), type, matrix != nullptr);
  NEMO_ASSIGN(GgufMetadata metadata, make_metadata(model, input, type));
  std::vector<std::vector<float>> importance(plan.size());
  if (matrix != nullptr) {
    NEMO_ASSIGN(importance, importance_of(plan, *matrix));
    add_importance_keys(*matrix, options.imatrix_path, metadata);
  }
  const int n_threads = options.n_threads > 0 ? options.n_threads : usable_processors();
  const bool is_chosen = type == FileType::nemo4;
  // Choosing types is the first half of it.
  const auto report = [&](bool is_second, std::uint64_t done, std::uint64_t total) {
    if (!options.progress) return 0;
    if (is_chosen) done = is_second ? total - (total - done) / 2 : done / 2;
    return options.progress(done, total);
  };
  if (is_chosen)
    NEMO_TRY(choose_types(
        model.config(), reader, importance, n_threads,
        [&](std::uint64_t done, std::uint64_t total) { return report(false, done, total); }, plan));
  NEMO_ASSIGN(const auto output, gguf_output(output_path, metadata, table_of(plan)));

  struct Scratch {
    std::vector<float> values;
    std::vector<std::byte> stored;
  };
  std::vector<Scratch> scratch(static_cast<std::size_t>(n_threads));
  const auto make = [&](const Piece& piece, std::span<std::byte> out, int thread) {
    const PlannedTensor& tensor = plan[piece.tensor];
    const std::vector<float>& weights = importance[piece.tensor];
    Scratch& mine = scratch[static_cast<std::size_t>(thread)];
    mine.values.resize(piece.n_elements);
    NEMO_TRY(reader.read(tensor.slot, piece.first_element, mine.values, mine.stored));
    const std::size_t n_columns = tensor.entry.dims().back();
    quantize_rows(tensor.entry.type, mine.values.data(), mine.values.size() / n_columns, n_columns,
                  weights.empty() ? nullptr : weights.data(), out.data());
    return Status::ok();
  };
  NEMO_TRY(write_pieces(
      plan, {kQuantizedElements, /*whole_rows=*/true}, n_threads, *output,
      [&](std::uint64_t done, std::uint64_t total) { return report(true, done, total); }, make));
  return output->finish();
}

}  // namespace

Status quantize_model(const std::string& input, const std::string& output,
                      const QuantizeOptions& options) {
  const auto type = parse_file_type(options.type);
  if (!type.has_value())
    return {StatusCode::kInvalidArgument,
            join("'", options.type, "' is no type to quantize to (q4_k_m, q8_0, fp8, bf16, ...)")};
  const bool is_folder = *type == FileType::fp8 || output.ends_with('/');
  if (is_folder && *type != FileType::fp8 && *type != FileType::bf16)
    return {StatusCode::kInvalidArgument,
            join("'", output, "' is a folder; of type ", options.type, " there are files only")};
  NEMO_ASSIGN(const ModelFile model, open_model(input));
  std::optional<ImportanceMatrix> matrix;
  if (!options.imatrix_path.empty()) {
    NEMO_ASSIGN(matrix, read_importance_matrix(options.imatrix_path));
  }
  const ImportanceMatrix* matrix_or_null = matrix.has_value() ? &*matrix : nullptr;
  if (!is_folder) return quantize_to_gguf(model, input, output, *type, matrix_or_null, options);
  std::string folder = output;
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  return quantize_to_folder(model, folder, *type == FileType::fp8, matrix_or_null, options);
}

}  // namespace nemotron
