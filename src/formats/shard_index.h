// model.safetensors.index.json: which tensor of a model in several safetensors files lies in which
// of them. The index is taken for hostile; what it says is checked against the shards themselves.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/loaders.h"
#include "io/data_source.h"
#include "quant/tensor_table.h"

namespace nemotron {

struct ShardIndex {
  struct Place {
    std::string tensor;
    std::uint32_t file = 0;  // index into `files`
  };

  std::vector<std::string> files;  // plain file names, sorted
  std::vector<Place> places;       // sorted by tensor

  bool names(std::string_view file) const;
};

// Whether a file called `name` is such an index: "model.safetensors.index.json".
bool is_shard_index_name(std::string_view name);

// The index that a shard is listed in: "x-00002-of-00003.safetensors" ->
// "x.safetensors.index.json". Nothing for a name that is not a shard's.
std::optional<std::string> index_name_of_shard(std::string_view name);

// kBadFile: no JSON object, a key given twice, no weight_map, or a file name with a folder in it.
Result<ShardIndex> read_shard_index(const DataSource& index);

// Opens every shard. kFileNotFound names the first one that lacks and says how many do.
Result<std::vector<std::unique_ptr<DataSource>>> open_shards(const ShardIndex& shards,
                                                             const std::string& index_path,
                                                             const OpenSibling& open_sibling);

// The tensors of all shards. kMissingTensor for a tensor that is not where the index says, kBadFile
// for one that lies in two shards. Tensors that the index does not list are kept.
Result<TensorTable> read_shard_tables(const ShardIndex& shards, const std::string& index_path,
                                      std::span<const std::unique_ptr<DataSource>> sources);

}  // namespace nemotron
