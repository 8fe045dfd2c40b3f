// Conversions of metadata values: any stored integer width is accepted, with a range check.
#include "gguf/gguf_value.h"

#include <cstring>

#include "base/text.h"

namespace nemotron {

std::string_view gguf_type_name(GgufType type) {
  constexpr std::string_view kNames[] = {"uint8",  "int8",    "uint16", "int16",  "uint32",
                                         "int32",  "float32", "bool",   "string", "array",
                                         "uint64", "int64",   "float64"};
  const auto index = static_cast<std::uint32_t>(type);
  return index < std::size(kNames) ? kNames[index] : "unknown";
}

std::uint32_t gguf_number_bytes(GgufType type) {
  constexpr std::uint8_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  const auto index = static_cast<std::uint32_t>(type);
  return index < std::size(kBytes) ? kBytes[index] : 0;
}

std::string GgufValue::kind_text() const {
  return join(is_array_ ? "an array of " : "a ", gguf_type_name(type_));
}

Status GgufValue::wrong_kind(std::string_view key, std::string_view expected) const {
  return {StatusCode::kBadFile,
          join("metadata '", key, "' should be ", expected, " and is ", kind_text())};
}

template <typename T>
T GgufValue::number_at(std::uint64_t index) const {
  T value;
  std::memcpy(&value, bytes_.data() + index * sizeof(T), sizeof(T));
  return value;
}

bool GgufValue::is_integer() const {
  switch (type_) {
    case GgufType::kUint8:
    case GgufType::kInt8:
    case GgufType::kUint16:
    case GgufType::kInt16:
    case GgufType::kUint32:
    case GgufType::kInt32:
    case GgufType::kUint64:
    case GgufType::kInt64:
      return true;
    default:
      return false;
  }
}

Result<std::int64_t> GgufValue::to_int(std::string_view key, std::uint64_t index) const {
  if (!is_integer() || index >= n_elements_) return wrong_kind(key, "an integer");
  switch (type_) {
    case GgufType::kUint8:
      return std::int64_t{number_at<std::uint8_t>(index)};
    case GgufType::kInt8:
      return std::int64_t{number_at<std::int8_t>(index)};
    case GgufType::kUint16:
      return std::int64_t{number_at<std::uint16_t>(index)};
    case GgufType::kInt16:
      return std::int64_t{number_at<std::int16_t>(index)};
    case GgufType::kUint32:
      return std::int64_t{number_at<std::uint32_t>(index)};
    case GgufType::kInt32:
      return std::int64_t{number_at<std::int32_t>(index)};
    default:
      break;
  }
  const auto value = number_at<std::int64_t>(index);
  if (type_ == GgufType::kUint64 && value < 0)
    return Status{StatusCode::kBadFile,
                  join("metadata '", key, "' is too large: ", static_cast<std::uint64_t>(value))};
  return value;
}

Result<std::uint64_t> GgufValue::to_uint(std::string_view key, std::uint64_t index) const {
  if (type_ == GgufType::kUint64 && index < n_elements_) return number_at<std::uint64_t>(index);
  NEMO_ASSIGN(const std::int64_t value, to_int(key, index));
  if (value < 0)
    return Status{StatusCode::kBadFile, join("metadata '", key, "' is negative: ", value)};
  return static_cast<std::uint64_t>(value);
}

Result<double> GgufValue::to_float(std::string_view key, std::uint64_t index) const {
  if (index < n_elements_ && type_ == GgufType::kFloat32) return double{number_at<float>(index)};
  if (index < n_elements_ && type_ == GgufType::kFloat64) return number_at<double>(index);
  return wrong_kind(key, "a floating-point number");
}

Result<bool> GgufValue::to_bool(std::string_view key, std::uint64_t index) const {
  if (type_ != GgufType::kBool || index >= n_elements_) return wrong_kind(key, "a bool");
  return number_at<std::uint8_t>(index) != 0;
}

Result<std::string_view> GgufValue::to_string(std::string_view key, std::uint64_t index) const {
  if (type_ != GgufType::kString || index >= n_elements_) return wrong_kind(key, "a string");
  const std::uint64_t begin = index == 0 ? 0 : string_ends_[index - 1];
  return std::string_view(bytes_).substr(begin, string_ends_[index] - begin);
}

bool GgufValue::append_to(std::string& out) const {
  if (type_ == GgufType::kArray) return false;
  const auto append = [&out](auto number) {
    out.append(reinterpret_cast<const char*>(&number), sizeof number);
  };
  if (is_array_) append(static_cast<std::uint32_t>(GgufType::kArray));
  append(static_cast<std::uint32_t>(type_));
  if (is_array_) append(n_elements_);
  if (type_ != GgufType::kString) {
    out += bytes_;
    return true;
  }
  std::uint64_t begin = 0;
  for (const std::uint64_t end : string_ends_) {
    append(end - begin);
    out.append(bytes_, begin, end - begin);
    begin = end;
  }
  return true;
}

}  // namespace nemotron
