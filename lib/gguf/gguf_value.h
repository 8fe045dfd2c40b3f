// One value of a GGUF file's metadata: a number, a boolean, a string, or an array of one of these.
// Stored as it lies in the file (numbers packed, strings one after another), so that a vocabulary
// of 131k tokens is two allocations and never more than the file's own bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nemotron {

// The numbers are the file format's.
enum class GgufType : std::uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

std::string_view gguf_type_name(GgufType type);
// Bytes of one number or boolean of this type; 0 for strings, arrays and unknown types.
std::uint32_t gguf_number_bytes(GgufType type);

class GgufValue {
 public:
  // Of the elements, for an array. kArray is an array of arrays, which is checked but not kept.
  GgufType type() const { return type_; }
  bool is_array() const { return is_array_; }
  std::uint64_t size() const { return n_elements_; }  // 1 for a scalar
  std::string kind_text() const;                      // "an array of string", for messages

  // Element `index` (0 for a scalar; index < size()). kBadFile when the stored type is no integer
  // or the value does not fit; `key` is for that message.
  Result<std::uint64_t> to_uint(std::string_view key, std::uint64_t index = 0) const;
  Result<std::int64_t> to_int(std::string_view key, std::uint64_t index = 0) const;
  Result<double> to_float(std::string_view key, std::uint64_t index = 0) const;
  Result<bool> to_bool(std::string_view key, std::uint64_t index = 0) const;
  // Borrowed from this value.
  Result<std::string_view> to_string(std::string_view key, std::uint64_t index = 0) const;

  // Appends type and value as they lie in a file. False for an array of arrays, which is not kept.
  bool append_to(std::string& out) const;

 private:
  friend class GgufReader;

  Status wrong_kind(std::string_view key, std::string_view expected) const;
  template <typename T>
  T number_at(std::uint64_t index) const;
  bool is_integer() const;

  GgufType type_ = GgufType::kUint8;
  bool is_array_ = false;
  std::uint64_t n_elements_ = 1;
  std::string bytes_;                       // packed numbers, or all strings' bytes
  std::vector<std::uint64_t> string_ends_;  // in bytes_, one per string
};

}  // namespace nemotron
