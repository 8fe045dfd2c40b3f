// Writer of one safetensors file: the header first, then the tensors' bytes in any order and from
// any thread. The file appears under its name when it is whole.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "io/output_file.h"
#include "quant/tensor_table.h"

namespace nemotron {

class SafetensorsWriter {
 public:
  // `tensors`: name, type and shape; places and sizes are filled in here, in the order given.
  // kInvalidArgument for a shape that overflows, a name twice or one that is not UTF-8;
  // kUnsupportedType for a block type, which the format has not; kFileWrite.
  static Result<std::unique_ptr<SafetensorsWriter>> create(const std::string& path,
                                                           TensorTable tensors);

  const TensorTable& tensors() const { return tensors_; }

  // A part of tensor `index`, each byte exactly once. Thread-safe. kFileWrite.
  Status write(std::size_t index, std::uint64_t offset_bytes, std::span<const std::byte> bytes);

  // kInternal when bytes of a tensor are missing; kFileWrite.
  Status finish();

 private:
  SafetensorsWriter() = default;

  TensorTable tensors_;
  std::unique_ptr<OutputFile> file_;
  std::uint64_t total_bytes_ = 0;
  std::atomic<std::uint64_t> written_bytes_{0};
};

}  // namespace nemotron
