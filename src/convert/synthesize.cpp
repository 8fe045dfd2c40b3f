#include "convert/synthesize.h"

#include "base/text.h"
#include "convert/gguf_keys.h"
#include "convert/model_shapes.h"
#include "convert/random_weights.h"
#include "convert/tokenizer_source.h"

namespace nemotron {
namespace {

constexpr std::uint64_t kPieceElements = 1 << 20;  // 2 MiB of bf16

SafetensorsType safetensors_type(FileType type) {
  return type == FileType::fp8 ? SafetensorsType::fp8 : SafetensorsType::bf16;
}

Result<std::unique_ptr<ModelOutput>> open_output(const std::string& path, const ModelConfig& config,
                                                 FileType type, const TokenizerSource& tokenizer,
                                                 const SynthesizeOptions& options,
                                                 const TensorPlan& plan) {
  if (type == FileType::bf16 || type == FileType::fp8) {
    std::vector<TextFile> files = config_files(config, safetensors_type(type));
    NEMO_TRY(tokenizer.add_to(files, config.n_vocab));
    return safetensors_output(path, table_of(plan), files, options.shard_limits);
  }
  GgufMetadata metadata;
  add_architecture(config, join("Nemotron ", options.shape, ", random weights"), metadata);
  add_file_type(type, metadata);
  NEMO_TRY(tokenizer.add_to(metadata, config.n_vocab));
  return gguf_output(path, metadata, table_of(plan));
}

}  // namespace

Status synthesize(const std::string& path, const SynthesizeOptions& options) {
  const auto config = model_shape(options.shape);
  if (!config.has_value())
    return {StatusCode::kInvalidArgument,
            join("the shape '", options.shape, "' is none of 4b, 9b-v2, 12b-v2, h-8b, tiny")};
  const auto type = parse_file_type(options.type);
  if (!type.has_value())
    return {StatusCode::kInvalidArgument, join("'", options.type, "' is no type of file")};
  const bool is_folder = *type == FileType::bf16 || *type == FileType::fp8;
  const TensorPlan plan =
      is_folder ? plan_safetensors(*config, safetensors_type(*type)) : plan_gguf(*config, *type);
  for (const PlannedTensor& tensor : plan) {
    if (!can_be_random(tensor.entry.type))
      return {StatusCode::kInvalidArgument,
              join("models of type ", options.type, " (with tensors of ",
                   traits(tensor.entry.type).name, ") cannot be synthesized")};
  }
  TokenizerSource tokenizer;
  if (!options.tokenizer_path.empty()) {
    NEMO_ASSIGN(tokenizer, TokenizerSource::read(options.tokenizer_path));
  }
  NEMO_ASSIGN(const auto output, open_output(path, *config, *type, tokenizer, options, plan));
  NEMO_TRY(write_pieces(plan, {kPieceElements, /*whole_rows=*/false}, options.n_threads, *output,
                        options.progress, [&](const Piece& piece, std::span<std::byte> out, int) {
                          const PlannedTensor& tensor = plan[piece.tensor];
                          const TensorTypeTraits& block = traits(tensor.entry.type);
                          fill_random(
                              *config, tensor, options.seed,
                              piece.first_element / block.block_elements * block.block_bytes, out);
                          return Status::ok();
                        }));
  return output->finish();
}

}  // namespace nemotron
