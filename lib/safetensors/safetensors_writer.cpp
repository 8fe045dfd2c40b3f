// The header is padded with spaces so that the data begins at a multiple of eight bytes, as the
// format's own library does.
#include "safetensors/safetensors_writer.h"

#include <optional>
#include <set>
#include <utility>

#include "base/checked_math.h"
#include "base/text.h"
#include "base/utf8.h"
#include "json/json_text.h"

namespace nemotron {
namespace {

std::optional<std::string_view> dtype_of(TensorType type) {
  switch (type) {
    case TensorType::kF32:
    case TensorType::kF16:
    case TensorType::kBF16:
    case TensorType::kF8_E4M3:
      return traits(type).name;
    default:
      return std::nullopt;
  }
}

Status invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

std::string entry_of(std::string_view dtype, const TensorEntry& tensor) {
  std::vector<std::string> shape;
  for (const std::uint64_t dim : tensor.dims()) shape.push_back(json_of(dim));
  const std::vector<std::string> offsets = {json_of(tensor.offset_bytes),
                                            json_of(tensor.offset_bytes + tensor.size_bytes)};
  JsonObject entry;
  entry.set("dtype", json_of(dtype));
  entry.set("shape", json_array(shape, JsonStyle::kOneLine));
  entry.set("data_offsets", json_array(offsets, JsonStyle::kOneLine));
  return entry.text(JsonStyle::kOneLine);
}

// The header; offsets in `tensors` count from the start of the data.
Result<std::string> make_header(TensorTable& tensors, std::uint64_t& data_bytes) {
  std::string text = R"({"__metadata__":{"format":"pt"})";
  std::set<std::string_view> names;
  for (TensorEntry& tensor : tensors) {
    const auto dtype = dtype_of(tensor.type);
    if (!dtype.has_value())
      return Status{StatusCode::kUnsupportedType,
                    join("tensor '", tensor.name, "' has type ", traits(tensor.type).name,
                         ", which safetensors has not")};
    if (!names.insert(tensor.name).second)
      return invalid(join("the tensor '", tensor.name, "' twice"));
    auto size_bytes = tensor_size_bytes(tensor.type, tensor.dims());
    std::uint64_t end = 0;
    if (!size_bytes.is_ok() || !checked_add(data_bytes, size_bytes.value(), end) ||
        end > INT64_MAX / 2)
      return invalid(join("tensor '", tensor.name, "' of shape ", shape_text(tensor.dims()),
                          " makes the file too large"));
    tensor.offset_bytes = data_bytes;
    tensor.size_bytes = size_bytes.value();
    if (!is_utf8(tensor.name)) return invalid("a tensor name is not UTF-8");
    text += join(',', json_of(tensor.name), ':', entry_of(*dtype, tensor));
    data_bytes = end;
  }
  text += '}';
  text.resize(round_up(text.size(), 8), ' ');
  return text;
}

}  // namespace

Result<std::unique_ptr<OutputParts>> create_safetensors(const std::string& path,
                                                        TensorTable tensors) {
  std::uint64_t data_bytes = 0;
  NEMO_ASSIGN(const std::string json, make_header(tensors, data_bytes));
  const std::uint64_t json_bytes = json.size();
  std::string header(reinterpret_cast<const char*>(&json_bytes), sizeof json_bytes);
  header += json;
  std::vector<OutputParts::Part> parts;
  for (TensorEntry& tensor : tensors)
    parts.push_back(
        {std::move(tensor.name), header.size() + tensor.offset_bytes, tensor.size_bytes});
  return OutputParts::create(path, header.size() + data_bytes, std::as_bytes(std::span(header)),
                             std::move(parts));
}

}  // namespace nemotron
