// The header is padded with spaces so that the data begins at a multiple of eight bytes, as the
// format's own library does.
#include "safetensors/safetensors_writer.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/checked_math.h"
#include "base/text.h"

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

// The header; offsets in `tensors` count from the start of the data.
Result<std::string> make_header(TensorTable& tensors, std::uint64_t& data_bytes) {
  nlohmann::ordered_json header = {{"__metadata__", {{"format", "pt"}}}};
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
    header[tensor.name] = {
        {"dtype", *dtype}, {"shape", tensor.dims()}, {"data_offsets", {tensor.offset_bytes, end}}};
    data_bytes = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    return invalid("a tensor name is not UTF-8");
  }
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
