// The header is made in memory first: with it the place of every tensor is known.
#include "gguf/gguf_writer.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/checked_math.h"
#include "base/text.h"
#include "gguf/ggml_types.h"

namespace nemotron {
namespace {

constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kMaxTensorNameBytes = 63;  // ggml's 64 with the terminator

template <typename T>
requires(std::is_arithmetic_v<T>) void append_number(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_text(std::string& out, std::string_view text) {
  append_number<std::uint64_t>(out, text.size());
  out.append(text);
}

Status invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

Status check_names(const TensorTable& tensors) {
  std::vector<std::string_view> names;
  for (const TensorEntry& tensor : tensors) {
    if (tensor.name.empty() || tensor.name.size() > kMaxTensorNameBytes)
      return invalid(join("the tensor name '", tensor.name, "' has ", tensor.name.size(),
                          " bytes; 1 to ", kMaxTensorNameBytes, " are possible"));
    names.push_back(tensor.name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  return twice == names.end() ? Status::ok() : invalid(join("the tensor '", *twice, "' twice"));
}

// Places and sizes, offsets from the start of the data. Returns the end of the last tensor.
Result<std::uint64_t> place_tensors(TensorTable& tensors) {
  NEMO_TRY(check_names(tensors));
  std::uint64_t end = 0;
  for (TensorEntry& tensor : tensors) {
    auto size_bytes = tensor_size_bytes(tensor.type, tensor.dims());
    if (!size_bytes.is_ok())
      return invalid(join("tensor '", tensor.name, "': ", size_bytes.status().message()));
    tensor.size_bytes = size_bytes.value();
    tensor.offset_bytes = round_up(end, kGgufAlignmentBytes);
    if (!checked_add(tensor.offset_bytes, tensor.size_bytes, end) || end > INT64_MAX / 2)
      return invalid(join("up to tensor '", tensor.name, "' the file is too large"));
  }
  return end;
}

Status append_info(const TensorEntry& tensor, std::string& out) {
  const auto ggml_type = ggml_type_of(tensor.type);
  if (!ggml_type.has_value())
    return {StatusCode::kUnsupportedType, join("tensor '", tensor.name, "' has type ",
                                               traits(tensor.type).name, ", which GGUF has not")};
  append_text(out, tensor.name);
  append_number(out, static_cast<std::uint32_t>(tensor.n_dims));
  const auto dims = tensor.dims();  // the file lists dimensions fastest first
  for (std::size_t i = dims.size(); i > 0; --i) append_number(out, dims[i - 1]);
  append_number(out, *ggml_type);
  append_number(out, tensor.offset_bytes);
  return Status::ok();
}

Result<std::string> make_header(const GgufMetadata& metadata, const TensorTable& tensors) {
  std::string out = "GGUF";
  append_number(out, kVersion);
  append_number<std::uint64_t>(out, tensors.size());
  append_number<std::uint64_t>(out, metadata.entries().size());
  for (const GgufMetadata::Entry& entry : metadata.entries()) {
    append_text(out, entry.key);
    out += entry.bytes;
  }
  for (const TensorEntry& tensor : tensors) NEMO_TRY(append_info(tensor, out));
  return out;
}

}  // namespace

std::string& GgufMetadata::begin(std::string_view key, GgufType type) {
  const auto same = std::find_if(entries_.begin(), entries_.end(),
                                 [key](const Entry& entry) { return entry.key == key; });
  Entry& entry =
      same != entries_.end() ? *same : entries_.emplace_back(Entry{std::string(key), {}});
  entry.bytes.clear();
  append_number(entry.bytes, static_cast<std::uint32_t>(type));
  return entry.bytes;
}

std::string& GgufMetadata::begin_array(std::string_view key, GgufType type,
                                       std::size_t n_elements) {
  std::string& bytes = begin(key, GgufType::kArray);
  append_number(bytes, static_cast<std::uint32_t>(type));
  append_number<std::uint64_t>(bytes, n_elements);
  return bytes;
}

void GgufMetadata::set_uint32(std::string_view key, std::uint32_t value) {
  append_number(begin(key, GgufType::kUint32), value);
}

void GgufMetadata::set_float32(std::string_view key, float value) {
  append_number(begin(key, GgufType::kFloat32), value);
}

void GgufMetadata::set_bool(std::string_view key, bool value) {
  append_number<std::uint8_t>(begin(key, GgufType::kBool), value ? 1 : 0);
}

void GgufMetadata::set_string(std::string_view key, std::string_view value) {
  append_text(begin(key, GgufType::kString), value);
}

void GgufMetadata::set_int32s(std::string_view key, std::span<const std::int32_t> values) {
  std::string& bytes = begin_array(key, GgufType::kInt32, values.size());
  for (const std::int32_t value : values) append_number(bytes, value);
}

void GgufMetadata::set_strings(std::string_view key, std::span<const std::string> values) {
  std::string& bytes = begin_array(key, GgufType::kString, values.size());
  for (const std::string& value : values) append_text(bytes, value);
}

void GgufMetadata::set_value(std::string_view key, const GgufValue& value) {
  std::string bytes;
  if (!value.append_to(bytes)) return;
  begin(key, GgufType::kArray) = std::move(bytes);
}

Result<std::unique_ptr<OutputParts>> create_gguf(const std::string& path,
                                                 const GgufMetadata& metadata,
                                                 TensorTable tensors) {
  NEMO_ASSIGN(const std::uint64_t data_bytes, place_tensors(tensors));
  NEMO_ASSIGN(std::string header, make_header(metadata, tensors));
  header.resize(round_up(header.size(), kGgufAlignmentBytes), '\0');
  std::vector<OutputParts::Part> parts;
  for (TensorEntry& tensor : tensors)
    parts.push_back(
        {std::move(tensor.name), header.size() + tensor.offset_bytes, tensor.size_bytes});
  // Readers expect padding behind the last tensor too.
  return OutputParts::create(path, header.size() + round_up(data_bytes, kGgufAlignmentBytes),
                             std::as_bytes(std::span(header)), std::move(parts));
}

}  // namespace nemotron
