// Reader of GGUF files, versions 2 and 3, little-endian: metadata and the table of tensors. It
// knows no model and reads no weights. The file is taken for hostile: every count is compared with
// the bytes that are left before anything is allocated for it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/gguf_value.h"
#include "io/data_source.h"
#include "quant/tensor_table.h"

namespace nemotron {

struct GgufFile {
  std::uint32_t version = 0;
  std::uint64_t alignment_bytes = 32;
  std::map<std::string, GgufValue, std::less<>> metadata;
  TensorTable tensors;  // in the order of the file

  const GgufValue* find(std::string_view key) const;

  // Scalars that must be there: kBadFile naming the key when it is missing, of another kind, an
  // array, or out of range.
  Result<std::uint64_t> get_uint(std::string_view key) const;
  Result<double> get_float(std::string_view key) const;
  Result<bool> get_bool(std::string_view key) const;
  Result<std::string> get_string(std::string_view key) const;
  // An array (of any size), or a scalar as an array of one.
  Result<std::vector<std::int64_t>> get_ints(std::string_view key) const;
  Result<std::vector<std::string>> get_strings(std::string_view key) const;
};

// kFileRead, kFileChanged where the first bytes cannot be read.
Result<bool> has_gguf_magic(const DataSource& source);

// kUnsupportedFormat for another version or byte order, kUnsupportedType for a tensor type that is
// none of ours, otherwise kBadFile; each with the offset of what is wrong.
Result<GgufFile> read_gguf(const DataSource& source);

}  // namespace nemotron
