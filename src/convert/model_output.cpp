#include "convert/model_output.h"

#include <cstdio>
#include <utility>

#include "base/text.h"
#include "io/output_file.h"
#include "json/json_text.h"
#include "safetensors/safetensors_writer.h"

namespace nemotron {
namespace {

class GgufOutput final : public ModelOutput {
 public:
  explicit GgufOutput(std::unique_ptr<OutputParts> writer) : writer_(std::move(writer)) {}

  Status write(std::size_t index, std::uint64_t offset_bytes,
               std::span<const std::byte> bytes) override {
    return writer_->write(index, offset_bytes, bytes);
  }
  Status finish() override { return writer_->finish(); }

 private:
  std::unique_ptr<OutputParts> writer_;
};

class SafetensorsOutput final : public ModelOutput {
 public:
  struct Place {
    std::size_t shard;
    std::size_t index;  // in the shard
  };

  SafetensorsOutput(std::unique_ptr<OutputFolder> folder,
                    std::vector<std::unique_ptr<OutputParts>> shards, std::vector<Place> places)
      : folder_(std::move(folder)), shards_(std::move(shards)), places_(std::move(places)) {}

  Status write(std::size_t index, std::uint64_t offset_bytes,
               std::span<const std::byte> bytes) override {
    const Place place = places_[index];
    return shards_[place.shard]->write(place.index, offset_bytes, bytes);
  }
  Status finish() override {
    for (auto& shard : shards_) NEMO_TRY(shard->finish());
    return folder_->commit();
  }

 private:
  std::unique_ptr<OutputFolder> folder_;  // outlives the files in it
  std::vector<std::unique_ptr<OutputParts>> shards_;
  std::vector<Place> places_;
};

std::string shard_name(std::size_t shard, std::size_t n_shards) {
  if (n_shards == 1) return "model.safetensors";
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", shard + 1, n_shards);
  return name;
}

// Which shard each tensor goes to.
Result<std::vector<std::size_t>> share_out(const TensorTable& tensors, const ShardLimits& limits,
                                           std::uint64_t& total_bytes) {
  std::vector<std::uint64_t> sizes;
  for (const TensorEntry& tensor : tensors) {
    NEMO_ASSIGN(const std::uint64_t size_bytes, tensor_size_bytes(tensor.type, tensor.dims()));
    sizes.push_back(size_bytes);
    total_bytes += size_bytes;
  }
  std::vector<std::size_t> shards;
  std::size_t shard = 0;
  std::uint64_t used_bytes = 0;
  for (const std::uint64_t size_bytes : sizes) {
    if (total_bytes > limits.max_single_bytes && used_bytes > 0 &&
        used_bytes + size_bytes > limits.shard_bytes) {
      ++shard;
      used_bytes = 0;
    }
    used_bytes += size_bytes;
    shards.push_back(shard);
  }
  return shards;
}

std::string index_text(const TensorTable& tensors, const std::vector<std::size_t>& shards,
                       std::uint64_t total_bytes) {
  JsonObject metadata, weight_map, index;
  metadata.set("total_size", json_of(total_bytes));
  for (std::size_t i = 0; i < tensors.size(); ++i)
    weight_map.set(tensors[i].name, json_of(shard_name(shards[i], shards.back() + 1)));
  index.set("metadata", metadata.text(JsonStyle::kIndented));
  index.set("weight_map", weight_map.text(JsonStyle::kIndented));
  return index.text(JsonStyle::kIndented) + "\n";
}

}  // namespace

Result<std::unique_ptr<ModelOutput>> gguf_output(const std::string& path,
                                                 const GgufMetadata& metadata,
                                                 TensorTable tensors) {
  NEMO_ASSIGN(auto writer, create_gguf(path, metadata, std::move(tensors)));
  return std::unique_ptr<ModelOutput>(new GgufOutput(std::move(writer)));
}

Result<std::unique_ptr<ModelOutput>> safetensors_output(const std::string& path,
                                                        const TensorTable& tensors,
                                                        const std::vector<TextFile>& text_files,
                                                        const ShardLimits& limits) {
  NEMO_ASSIGN(auto folder, OutputFolder::create(path));
  for (const TextFile& file : text_files) NEMO_TRY(write_file(folder->file(file.name), file.text));
  std::uint64_t total_bytes = 0;
  NEMO_ASSIGN(const auto shards, share_out(tensors, limits, total_bytes));
  const std::size_t n_shards = shards.empty() ? 1 : shards.back() + 1;
  std::vector<TensorTable> tables(n_shards);
  std::vector<SafetensorsOutput::Place> places;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    TensorTable& table = tables[shards[i]];
    places.push_back({shards[i], table.size()});
    table.push_back(tensors[i]);
  }
  std::vector<std::unique_ptr<OutputParts>> writers;
  for (std::size_t i = 0; i < n_shards; ++i) {
    NEMO_ASSIGN(auto writer,
                create_safetensors(folder->file(shard_name(i, n_shards)), std::move(tables[i])));
    writers.push_back(std::move(writer));
  }
  if (n_shards > 1)
    NEMO_TRY(write_file(folder->file("model.safetensors.index.json"),
                        index_text(tensors, shards, total_bytes)));
  return std::unique_ptr<ModelOutput>(
      new SafetensorsOutput(std::move(folder), std::move(writers), std::move(places)));
}

}  // namespace nemotron
