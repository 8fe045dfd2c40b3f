#include "convert/quantize_to_folder.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "convert/config_files.h"
#include "convert/fp8_scales.h"
#include "convert/tokenizer_source.h"
#include "convert/weight_reader.h"
#include "io/data_source.h"
#include "io/paths.h"
#include "quant/quantize.h"
#include "threading/thread_pool.h"

namespace nemotron {
namespace {

constexpr std::uint64_t kFolderElements = 1 << 18;
constexpr std::uint64_t kMaxCompanionBytes = 256 << 20;

// Files beside a checkpoint that belong to it, beyond those that are made here.
constexpr std::string_view kCompanions[] = {
    "generation_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "LICENSE",
    "configuration_nemotron_h.py",
    "modeling_nemotron_h.py",
};

void put(TextFile file, std::vector<TextFile>& files) {
  const auto same = std::ranges::find(files, file.name, &TextFile::name);
  if (same == files.end()) {
    files.push_back(std::move(file));
  } else {
    *same = std::move(file);
  }
}

Result<std::string> read_text(const std::string& path) {
  NEMO_ASSIGN(const auto source, open_file(path));
  return read_all(*source, kMaxCompanionBytes);
}

Result<TokenizerSource> tokenizer_of(const ModelFile& model, const QuantizeOptions& options) {
  if (!options.tokenizer_path.empty()) return TokenizerSource::read(options.tokenizer_path);
  if (model.format_name() == "safetensors") return TokenizerSource::of(model.tokenizer());
  if (!model.tokenizer().has_tokenizer()) return TokenizerSource();
  return Status{StatusCode::kUnsupportedFormat, join("'", model.path(),
                                                     "': a GGUF's tokenizer cannot be written as "
                                                     "tokenizer.json; name a folder that has one")};
}

Result<std::vector<TextFile>> text_files(const ModelFile& model, SafetensorsType type,
                                         const QuantizeOptions& options) {
  const bool has_folder = model.format_name() == "safetensors";
  const std::string folder = parent_directory(model.path());
  std::vector<TextFile> files;
  if (has_folder) {
    NEMO_ASSIGN(const std::string config, read_text(join_path(folder, "config.json")));
    NEMO_ASSIGN(files, config_files_like(config, model.config(), type));
  } else {
    files = config_files(model.config(), type);
  }
  NEMO_ASSIGN(const TokenizerSource tokenizer, tokenizer_of(model, options));
  NEMO_TRY(tokenizer.add_to(files, model.config().n_vocab));
  if (!has_folder) return files;
  for (const std::string_view name : kCompanions) {
    const std::string path = join_path(folder, std::string(name));
    NEMO_ASSIGN(const PathKind kind, kind_of(path));
    if (kind != PathKind::kFile) continue;
    NEMO_ASSIGN(std::string text, read_text(path));
    put({std::string(name), std::move(text)}, files);
  }
  return files;
}

// Vectors keep the precision that safetensors gave them.
TensorPlan plan_folder(const ModelFile& model, SafetensorsType type) {
  TensorPlan plan = plan_safetensors(model.config(), type);
  if (!model.stores_A_log()) return plan;
  for (PlannedTensor& tensor : plan) {
    if (tensor.part != PlannedTensor::Part::weight || is_matrix(tensor.slot.role)) continue;
    tensor.entry.type = model.lookup(tensor.slot.role, tensor.slot.layer)->type;
  }
  return plan;
}

class FolderMaker {
 public:
  FolderMaker(const TensorPlan& plan, const WeightReader& reader, const Fp8Scales& scales,
              int n_threads)
      : plan_(plan),
        reader_(reader),
        scales_(scales),
        scratch_(static_cast<std::size_t>(n_threads)) {}

  Status make(const Piece& piece, std::span<std::byte> out, int thread) {
    const PlannedTensor& tensor = plan_[piece.tensor];
    const auto found = scales_.find({tensor.slot.role, tensor.slot.layer});
    const MatrixScales scales = found == scales_.end() ? MatrixScales() : found->second;
    if (tensor.part != PlannedTensor::Part::weight) {
      const bool is_input = tensor.part == PlannedTensor::Part::input_scale;
      const float value = is_input ? scales.input : scales.weight;
      std::ranges::copy(std::as_bytes(std::span(&value, 1)), out.begin());
      return Status::ok();
    }
    Scratch& mine = scratch_[static_cast<std::size_t>(thread)];
    mine.values.resize(piece.n_elements);
    NEMO_TRY(reader_.read(tensor.slot, piece.first_element, mine.values, mine.stored));
    if (tensor.entry.type == TensorType::kF8_E4M3)
      for (float& value : mine.values) value /= scales.weight;
    quantize(tensor.entry.type, mine.values.data(), mine.values.size(), out.data());
    return Status::ok();
  }

 private:
  struct Scratch {
    std::vector<float> values;
    std::vector<std::byte> stored;
  };
  const TensorPlan& plan_;
  const WeightReader& reader_;
  const Fp8Scales& scales_;
  std::vector<Scratch> scratch_;
};

}  // namespace

Status quantize_to_folder(const ModelFile& model, const std::string& folder, bool is_fp8,
                          const ImportanceMatrix* matrix, const QuantizeOptions& options) {
  SafetensorsType type = SafetensorsType::bf16;
  Fp8Scales scales;
  if (is_fp8) {
    NEMO_ASSIGN(auto inputs, find_input_scales(model, matrix));
    type = inputs.has_value() ? SafetensorsType::fp8 : SafetensorsType::fp8_weight_only;
    if (inputs.has_value()) scales = *std::move(inputs);
  }
  const TensorPlan plan = plan_folder(model, type);
  NEMO_ASSIGN(const std::vector<TextFile> files, text_files(model, type, options));
  NEMO_ASSIGN(const auto output, safetensors_output(folder, table_of(plan), files));
  const int n_threads = options.n_threads > 0 ? options.n_threads : usable_processors();
  const WeightReader reader(model, NameStyle::huggingface);
  // FP8 matrices are read twice, so what is written is only a part of what is done.
  const TensorPlan twice = fp8_matrices(plan);
  const std::uint64_t scan_bytes = total_bytes(twice);
  const std::uint64_t plan_bytes = total_bytes(plan);
  const double share =
      static_cast<double>(plan_bytes) / static_cast<double>(scan_bytes + plan_bytes);
  const auto report = [&](std::uint64_t done) {
    const auto scaled = static_cast<std::uint64_t>(static_cast<double>(done) * share);
    return options.progress ? options.progress(std::min(scaled, plan_bytes), plan_bytes) : 0;
  };
  NEMO_TRY(find_weight_scales(
      twice, reader, n_threads, [&](std::uint64_t done, std::uint64_t) { return report(done); },
      scales));
  FolderMaker maker(plan, reader, scales, n_threads);
  NEMO_TRY(write_pieces(
      plan, {kFolderElements, /*whole_rows=*/true}, n_threads, *output,
      [&](std::uint64_t done, std::uint64_t) { return report(scan_bytes + done); },
      [&](const Piece& piece, std::span<std::byte> out, int thread) {
        return maker.make(piece, out, thread);
      }));
  return output->finish();
}

}  // namespace nemotron
