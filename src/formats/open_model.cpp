// Finds the file of weights, tells its kind by its first bytes, and gives it to its loader.
#include "formats/open_model.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "formats/loaders.h"
#include "gguf/gguf.h"
#include "io/paths.h"
#include "safetensors/safetensors.h"

namespace nemotron {
namespace {

constexpr std::string_view kWeightsName = "model.safetensors";
constexpr std::string_view kIndexName = "model.safetensors.index.json";

Status sharded(const std::string& where) {
  return {StatusCode::kUnsupportedFormat,
          join("'", where, "' holds a model in several safetensors files (", kIndexName,
               "); only a single model.safetensors is supported yet")};
}

Result<ModelFile> load(std::unique_ptr<DataSource> weights, const OpenSibling& open_sibling) {
  if (has_gguf_magic(*weights)) return load_gguf(std::move(weights));
  if (looks_like_safetensors(*weights)) return load_safetensors(std::move(weights), open_sibling);
  return Status{
      StatusCode::kUnsupportedFormat,
      join("'", weights->name(), "' is neither a GGUF nor a safetensors file by its first bytes"),
      0};
}

// The path of the weights in a folder.
Result<std::string> find_weights(const std::string& folder) {
  const std::string safetensors = join_path(folder, std::string(kWeightsName));
  if (is_regular_file(safetensors)) return safetensors;
  if (is_regular_file(join_path(folder, std::string(kIndexName)))) return sharded(folder);
  NEMO_ASSIGN(auto names, list_directory(folder));
  std::erase_if(names, [](const std::string& name) { return !name.ends_with(".gguf"); });
  if (names.size() == 1) return join_path(folder, names[0]);
  if (names.empty())
    return Status{StatusCode::kFileNotFound,
                  join("'", folder, "' holds neither model.safetensors nor a .gguf file")};
  return Status{StatusCode::kInvalidArgument,
                join("'", folder, "' holds ", names.size(), " .gguf files ('", names[0], "', '",
                     names[1], "', ...); name one")};
}

}  // namespace

Result<ModelFile> open_model(const std::string& path) {
  std::string weights_path = path;
  if (is_directory(path)) {
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
  std::unique_ptr<DataSource> weights;
  for (const NamedBytes& file : files) {
    auto source = memory_source(file.name, file.bytes);
    if (!has_gguf_magic(*source) && !looks_like_safetensors(*source)) continue;
    if (weights != nullptr)
      return Status{StatusCode::kInvalidArgument, join("'", weights->name(), "' and '", file.name,
                                                       "' both hold weights; give one")};
    weights = std::move(source);
  }
  if (weights == nullptr) {
    for (const NamedBytes& file : files) {
      if (file_name_of(file.name) == kIndexName) return sharded(file.name);
    }
    return Status{
        StatusCode::kUnsupportedFormat,
        join("none of the ", files.size(), " memory blocks is a GGUF or safetensors file")};
  }
  return load(std::move(weights),
              [files](std::string_view name) -> Result<std::unique_ptr<DataSource>> {
                for (const NamedBytes& file : files) {
                  if (file_name_of(file.name) == name) return memory_source(file.name, file.bytes);
                }
                return std::unique_ptr<DataSource>();
              });
}

}  // namespace nemotron
