// Finds the weights, tells their kind by their first bytes, and gives them to their loader.
#include "formats/open_model.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "formats/loaders.h"
#include "formats/shard_index.h"
#include "gguf/gguf.h"
#include "io/paths.h"
#include "safetensors/safetensors.h"

namespace nemotron {
namespace {

constexpr std::string_view kWeightsName = "model.safetensors";
constexpr std::string_view kIndexName = "model.safetensors.index.json";

// What a file is by its first bytes; a JSON object may be an index of shards.
enum class Beginning : std::uint8_t { kOther, kGguf, kSafetensors, kJsonObject };

Result<Beginning> beginning_of(const DataSource& source) {
  NEMO_ASSIGN(const bool is_gguf, has_gguf_magic(source));
  if (is_gguf) return Beginning::kGguf;
  NEMO_ASSIGN(const bool is_safetensors, looks_like_safetensors(source));
  if (is_safetensors) return Beginning::kSafetensors;
  char first = 0;
  if (source.size_bytes() == 0) return Beginning::kOther;
  NEMO_TRY(source.read_at(0, std::as_writable_bytes(std::span(&first, 1))));
  return first == '{' ? Beginning::kJsonObject : Beginning::kOther;
}

Result<ModelFile> load_shards(const DataSource& index, const OpenSibling& open_sibling) {
  NEMO_ASSIGN(const ShardIndex shards, read_shard_index(index));
  return load_sharded_safetensors(shards, index.name(), open_sibling);
}

// A safetensors file may be a model or one of the shards of one: what its index says decides. As
// elsewhere, model.safetensors is a whole model whatever lies beside it.
Result<ModelFile> load_safetensors_or_shards(std::unique_ptr<DataSource> weights,
                                             const OpenSibling& open_sibling) {
  const std::string_view name = file_name_of(weights->name());
  const auto index_name = index_name_of_shard(name);
  if (name == kWeightsName) return load_safetensors(std::move(weights), open_sibling);
  NEMO_ASSIGN(const auto index, open_sibling(index_name ? *index_name : std::string(kIndexName)));
  if (index == nullptr && !index_name) return load_safetensors(std::move(weights), open_sibling);
  if (index == nullptr)
    return Status{StatusCode::kFileNotFound,
                  join("'", weights->name(), "' is one of several files of a model, and '",
                       *index_name, "', which lists them, is missing beside it")};
  NEMO_ASSIGN(const ShardIndex shards, read_shard_index(*index));
  if (shards.names(name)) return load_sharded_safetensors(shards, index->name(), open_sibling);
  if (!index_name) return load_safetensors(std::move(weights), open_sibling);
  return Status{StatusCode::kBadFile, join("'", index->name(), "' does not list '", name, "'")};
}

Result<ModelFile> load(std::unique_ptr<DataSource> weights, const OpenSibling& open_sibling) {
  NEMO_ASSIGN(const Beginning beginning, beginning_of(*weights));
  if (beginning == Beginning::kGguf) return load_gguf(std::move(weights));
  if (beginning == Beginning::kSafetensors)
    return load_safetensors_or_shards(std::move(weights), open_sibling);
  if (beginning == Beginning::kJsonObject) return load_shards(*weights, open_sibling);
  return Status{StatusCode::kUnsupportedFormat,
                join("'", weights->name(),
                     "' is neither a GGUF nor a safetensors file by its first bytes, nor an index "
                     "of safetensors files"),
                0};
}

// "'a', 'b', ..." for messages.
std::string quoted(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 2); ++i)
    text += join(i == 0 ? "'" : ", '", names[i], "'");
  return names.size() > 2 ? text + ", ..." : text;
}

// Files that hold weights by their first bytes, as names.
struct WeightFiles {
  std::vector<std::string> gguf;
  std::vector<std::string> safetensors;
};

// A file that cannot be read may be the one that is meant: an error, not another choice.
Result<WeightFiles> probe_files(const std::string& folder, const std::vector<std::string>& names) {
  WeightFiles out;
  for (const std::string& name : names) {
    const std::string path = join_path(folder, name);
    NEMO_ASSIGN(const PathKind kind, kind_of(path));
    if (kind != PathKind::kFile) continue;
    NEMO_ASSIGN(const auto source, open_file(path));
    NEMO_ASSIGN(const Beginning beginning, beginning_of(*source));
    if (beginning == Beginning::kGguf) out.gguf.push_back(name);
    if (beginning == Beginning::kSafetensors) out.safetensors.push_back(name);
  }
  return out;
}

// The path of the weights in a folder, or of their index.
Result<std::string> find_weights(const std::string& folder) {
  for (const std::string_view name : {kWeightsName, kIndexName}) {
    std::string path = join_path(folder, std::string(name));
    NEMO_ASSIGN(const PathKind kind, kind_of(path));
    if (kind == PathKind::kFile) return path;
  }
  NEMO_ASSIGN(const auto names, list_directory(folder));
  std::vector<std::string> indices;
  std::ranges::copy_if(names, std::back_inserter(indices), is_shard_index_name);
  if (indices.size() == 1) return join_path(folder, indices[0]);
  NEMO_ASSIGN(const WeightFiles found, probe_files(folder, names));
  std::vector<std::string> all = found.safetensors;
  all.insert(all.end(), found.gguf.begin(), found.gguf.end());
  // The first of several shards without an index: its loader says what is missing.
  const bool is_shard = !found.safetensors.empty() && found.gguf.empty() &&
                        index_name_of_shard(found.safetensors[0]).has_value();
  if (all.size() == 1 || (is_shard && indices.empty())) return join_path(folder, all[0]);
  if (all.empty())
    return Status{StatusCode::kFileNotFound,
                  join("'", folder, "' holds neither a safetensors nor a GGUF file")};
  return Status{
      StatusCode::kInvalidArgument,
      join("'", folder, "' holds ", all.size(), " files of weights (", quoted(all), "); name one")};
}

// The block to start from: the index if there is one, else the only block with weights.
Result<std::unique_ptr<DataSource>> find_weights(std::span<const NamedBytes> files) {
  std::unique_ptr<DataSource> index;
  std::vector<std::unique_ptr<DataSource>> weights;
  for (const NamedBytes& file : files) {
    auto source = memory_source(file.name, file.bytes);
    NEMO_ASSIGN(const Beginning beginning, beginning_of(*source));
    if (beginning == Beginning::kGguf || beginning == Beginning::kSafetensors)
      weights.push_back(std::move(source));
    else if (is_shard_index_name(file_name_of(file.name)))
      index = std::move(source);
  }
  if (weights.size() == 1) return std::move(weights[0]);
  if (index != nullptr) return index;
  if (weights.empty())
    return Status{
        StatusCode::kUnsupportedFormat,
        join("none of the ", files.size(), " memory blocks is a GGUF or safetensors file")};
  return Status{StatusCode::kInvalidArgument,
                join("'", weights[0]->name(), "' and '", weights[1]->name(),
                     "' both hold weights; give one, or an index")};
}

}  // namespace

Result<ModelFile> open_model(const std::string& path) {
  std::string weights_path = path;
  NEMO_ASSIGN(const PathKind kind, kind_of(path));
  if (kind == PathKind::kFolder) {
    NEMO_ASSIGN(weights_path, find_weights(path));
  }
  NEMO_ASSIGN(auto weights, open_file(weights_path));
  const std::string folder = parent_directory(weights_path);
  return load(std::move(weights),
              [&folder](std::string_view name) -> Result<std::unique_ptr<DataSource>> {
                const std::string sibling = join_path(folder, std::string(name));
                auto source = open_file(sibling);
                if (!source.is_ok() && source.status().code() == StatusCode::kFileNotFound)
                  return std::unique_ptr<DataSource>();
                return source;
              });
}

Result<ModelFile> open_model_from_memory(std::span<const NamedBytes> files) {
  NEMO_ASSIGN(auto weights, find_weights(files));
  return load(std::move(weights),
              [files](std::string_view name) -> Result<std::unique_ptr<DataSource>> {
                for (const NamedBytes& file : files) {
                  if (file_name_of(file.name) == name) return memory_source(file.name, file.bytes);
                }
                return std::unique_ptr<DataSource>();
              });
}

}  // namespace nemotron
