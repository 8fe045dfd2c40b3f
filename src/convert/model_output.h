// A model being written: one GGUF file, or a folder with safetensors and the small files. Either
// appears under its name when it is whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "convert/config_files.h"
#include "gguf/gguf_writer.h"
#include "quant/tensor_table.h"

namespace nemotron {

class ModelOutput {
 public:
  virtual ~ModelOutput() = default;

  // A part of tensor `index` of the table given, each byte exactly once. Thread-safe. kFileWrite.
  virtual Status write(std::size_t index, std::uint64_t offset_bytes,
                       std::span<const std::byte> bytes) = 0;
  // Makes the output appear. kFileWrite; kInternal when bytes are missing.
  virtual Status finish() = 0;
};

Result<std::unique_ptr<ModelOutput>> gguf_output(const std::string& path,
                                                 const GgufMetadata& metadata, TensorTable tensors);

// One model.safetensors, or numbered files with an index where the tensors have more than
// `max_single_bytes`; then a file is closed before it would pass `shard_bytes`.
struct ShardLimits {
  std::uint64_t max_single_bytes = 10'000'000'000;
  std::uint64_t shard_bytes = 5'000'000'000;
};
Result<std::unique_ptr<ModelOutput>> safetensors_output(const std::string& folder,
                                                        const TensorTable& tensors,
                                                        const std::vector<TextFile>& text_files,
                                                        const ShardLimits& limits = {});

}  // namespace nemotron
