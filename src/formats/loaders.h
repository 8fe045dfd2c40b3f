// What open_model hands to the loader of each kind of file.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/model_file.h"
#include "io/data_source.h"

namespace nemotron {

struct ShardIndex;

// Opens the small file `name` beside the weights; a null source where there is none.
using OpenSibling = std::function<Result<std::unique_ptr<DataSource>>(std::string_view name)>;

Result<ModelFile> load_gguf(std::unique_ptr<DataSource> weights);
Result<ModelFile> load_safetensors(std::unique_ptr<DataSource> weights,
                                   const OpenSibling& open_sibling);
// A model in several files, as its index lists them; the shards are siblings of the index.
Result<ModelFile> load_sharded_safetensors(const ShardIndex& shards, const std::string& index_path,
                                           const OpenSibling& open_sibling);

}  // namespace nemotron
