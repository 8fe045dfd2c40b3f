// Typed access to the metadata of a GGUF file that has been read.
#include <utility>

#include "base/text.h"
#include "gguf/gguf.h"

namespace nemotron {
namespace {

Status missing(std::string_view key) {
  return {StatusCode::kBadFile, join("metadata '", key, "' is missing")};
}

Status not_scalar(std::string_view key, const GgufValue& value) {
  return {StatusCode::kBadFile,
          join("metadata '", key, "' should be a single value and is ", value.kind_text())};
}

// The scalar at `key`, converted by one of GgufValue's functions.
template <typename T>
Result<T> scalar(const GgufFile& file, std::string_view key,
                 Result<T> (GgufValue::*convert)(std::string_view, std::uint64_t) const) {
  const GgufValue* value = file.find(key);
  if (value == nullptr) return missing(key);
  if (value->is_array()) return not_scalar(key, *value);
  return (value->*convert)(key, 0);
}

}  // namespace

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto entry = metadata.find(key);
  return entry == metadata.end() ? nullptr : &entry->second;
}

Result<std::uint64_t> GgufFile::get_uint(std::string_view key) const {
  return scalar(*this, key, &GgufValue::to_uint);
}

Result<double> GgufFile::get_float(std::string_view key) const {
  return scalar(*this, key, &GgufValue::to_float);
}

Result<bool> GgufFile::get_bool(std::string_view key) const {
  return scalar(*this, key, &GgufValue::to_bool);
}

Result<std::string> GgufFile::get_string(std::string_view key) const {
  NEMO_ASSIGN(const std::string_view text, scalar(*this, key, &GgufValue::to_string));
  return std::string(text);
}

Result<std::vector<std::int64_t>> GgufFile::get_ints(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return missing(key);
  std::vector<std::int64_t> out;
  for (std::uint64_t i = 0; i < value->size(); ++i) {
    NEMO_ASSIGN(const std::int64_t number, value->to_int(key, i));
    out.push_back(number);
  }
  return out;
}

Result<std::vector<std::string>> GgufFile::get_strings(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return missing(key);
  std::vector<std::string> out;
  for (std::uint64_t i = 0; i < value->size(); ++i) {
    NEMO_ASSIGN(const std::string_view text, value->to_string(key, i));
    out.emplace_back(text);
  }
  return out;
}

}  // namespace nemotron
