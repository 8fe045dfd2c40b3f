// Writer of GGUF files, version 3: metadata, the table of tensors, and then the tensors' bytes in
// any order and from any thread. The file appears under its name when it is whole.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/gguf_value.h"
#include "io/output_parts.h"
#include "quant/tensor_table.h"

namespace nemotron {

// Keys and values in the order in which they were first set; setting a key again replaces its
// value.
class GgufMetadata {
 public:
  void set_uint32(std::string_view key, std::uint32_t value);
  void set_float32(std::string_view key, float value);
  void set_bool(std::string_view key, bool value);
  void set_string(std::string_view key, std::string_view value);
  void set_int32s(std::string_view key, std::span<const std::int32_t> values);
  void set_strings(std::string_view key, std::span<const std::string> values);
  // As it was read. An array of arrays is left out: readers of ours do not keep it.
  void set_value(std::string_view key, const GgufValue& value);

  struct Entry {
    std::string key;
    std::string bytes;  // type and value as they lie in the file
  };
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::string& begin(std::string_view key, GgufType type);
  std::string& begin_array(std::string_view key, GgufType type, std::size_t n_elements);

  std::vector<Entry> entries_;
};

inline constexpr std::uint64_t kGgufAlignmentBytes = 32;  // of tensors

// A GGUF file: header and metadata are written, its parts are the tensors in the order given.
// `tensors`: name, type and shape; places and sizes are filled in here. kInvalidArgument for a
// shape that overflows or is not whole blocks, a name twice or of more than 63 bytes;
// kUnsupportedType for a type that ggml has not; kFileWrite.
Result<std::unique_ptr<OutputParts>> create_gguf(const std::string& path,
                                                 const GgufMetadata& metadata, TensorTable tensors);

}  // namespace nemotron
