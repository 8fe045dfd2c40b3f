#include "convert/quantize_model.h"

#include <string_view>

#include "base/text.h"
#include "convert/gguf_keys.h"
#include "convert/tokenizer_source.h"
#include "convert/weight_reader.h"
#include "formats/open_model.h"
#include "io/paths.h"
#include "quant/quantize.h"
#include "threading/thread_pool.h"

namespace nemotron {
namespace {

constexpr std::uint64_t kPieceElements = 1 << 18;

// The name of a folder or file, without its ending.
std::string model_name(const std::string& path) {
  const bool is_folder = is_directory(path);
  std::string_view name = path;
  while (name.size() > 1 && name.back() == '/') name.remove_suffix(1);
  name = file_name_of(name);
  return std::string(is_folder ? name : name.substr(0, name.rfind('.')));
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
  if (has_extra_layers) add_architecture(model.config(), model_name(model.path()), metadata);
  return Status::ok();
}

Result<GgufMetadata> make_metadata(const ModelFile& model, const std::string& input,
                                   FileType type) {
  GgufMetadata metadata;
  if (model.format_name() == "GGUF") {
    NEMO_TRY(copy_metadata(model, metadata));
  } else {
    add_architecture(model.config(), model_name(input), metadata);
    NEMO_TRY(TokenizerSource::of(model.tokenizer()).add_to(metadata, model.config().n_vocab));
  }
  add_file_type(type, metadata);
  return metadata;
}

}  // namespace

Status quantize_model(const std::string& input, const std::string& output_path,
                      const QuantizeOptions& options) {
  const auto type = parse_file_type(options.type);
  if (!type.has_value() || *type == FileType::fp8)
    return {StatusCode::kInvalidArgument,
            join("'", options.type, "' is no type to quantize to (q4_k_m, q8_0, bf16, ...)")};
  NEMO_ASSIGN(const ModelFile model, open_model(input));
  const WeightReader reader(model);
  const TensorPlan plan = plan_gguf(model.config(), *type);
  NEMO_ASSIGN(const GgufMetadata metadata, make_metadata(model, input, *type));
  NEMO_ASSIGN(const auto output, gguf_output(output_path, metadata, table_of(plan)));

  struct Scratch {
    std::vector<float> values;
    std::vector<std::byte> stored;
  };
  const int n_threads = options.n_threads > 0 ? options.n_threads : usable_processors();
  std::vector<Scratch> scratch(static_cast<std::size_t>(n_threads));
  const auto make = [&](const Piece& piece, std::span<std::byte> out, int thread) {
    const PlannedTensor& tensor = plan[piece.tensor];
    Scratch& mine = scratch[static_cast<std::size_t>(thread)];
    mine.values.resize(piece.n_elements);
    NEMO_TRY(reader.read(tensor.slot, piece.first_element, mine.values, mine.stored));
    quantize(tensor.entry.type, mine.values.data(), mine.values.size(), out.data());
    return Status::ok();
  };
  NEMO_TRY(write_pieces(plan, {kPieceElements, /*whole_rows=*/true}, n_threads, *output,
                        options.progress, make));
  return output->finish();
}

}  // namespace nemotron
