// safetensors: an 8-byte header length, a JSON object {name: {dtype, shape, data_offsets}}, and the
// data, without gaps. The header is read with SAX: a tree would cost many times the header's bytes.
// https://github.com/huggingface/safetensors (README, "Format")
#include "safetensors/safetensors.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/checked_math.h"
#include "base/text.h"
#include "base/utf8.h"
#include "io/byte_reader.h"

namespace nemotron {
namespace {

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr std::uint64_t kLengthBytes = 8;
constexpr std::size_t kMaxTensors = 1 << 18;

std::optional<TensorType> tensor_type_of(std::string_view dtype) {
  if (dtype == "F32") return TensorType::kF32;
  if (dtype == "F16") return TensorType::kF16;
  if (dtype == "BF16") return TensorType::kBF16;
  if (dtype == "F8_E4M3") return TensorType::kF8_E4M3;
  return std::nullopt;
}

// Follows the header: depth 1 is the table, depth 2 one tensor's description (or __metadata__),
// depth 3 its shape or offsets. Whatever else a description holds is an error.
class HeaderHandler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool start_object(std::size_t) override {
    if (++depth_ > 2) return fail("an object where none belongs");
    if (depth_ == 2) begin_tensor();
    return true;
  }
  bool end_object() override { return --depth_ != 1 || in_metadata_ || end_tensor(); }

  bool key(string_t& value) override {
    (depth_ == 1 ? name_ : field_) = std::move(value);
    in_metadata_ = name_ == "__metadata__";
    return depth_ != 1 || is_printable_utf8(name_) || fail("control characters in its name");
  }

  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata_) return fail("an array where none belongs");
    ++depth_;
    if (field_ == "shape") return begin_list(has_shape_);
    if (field_ == "data_offsets") return begin_list(has_offsets_);
    return fail(join("the unknown field '", field_, "'"));
  }
  bool end_array() override {
    --depth_;
    if (field_ == "data_offsets" && n_offsets_ != 2)
      return fail("data_offsets without two numbers");
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (depth_ != 3) return fail("a number where none belongs");
    if (field_ == "shape") {
      if (tensor_.n_dims == TensorEntry::kMaxDims)
        return fail(join("more than ", TensorEntry::kMaxDims, " dimensions"));
      tensor_.shape[static_cast<std::size_t>(tensor_.n_dims++)] = value;
    } else {
      if (n_offsets_ == 2) return fail("data_offsets with more than two numbers");
      (n_offsets_++ == 0 ? tensor_.offset_bytes : end_bytes_) = value;
    }
    return true;
  }
  bool string(string_t& value) override {
    if (in_metadata_ && depth_ == 2) return true;
    if (depth_ != 2 || field_ != "dtype" || !dtype_.empty() || value.empty())
      return fail("a string where none belongs");
    dtype_ = std::move(value);
    return true;
  }

  bool null() override { return fail("a null"); }
  bool boolean(bool) override { return fail("a boolean"); }
  bool number_integer(number_integer_t) override { return fail("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return fail("a number that is no integer");
  }
  bool binary(binary_t&) override { return fail("binary data"); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception& error) override {
    status_ = Status(StatusCode::kBadFile, join("the header is not valid JSON: ", error.what()),
                     static_cast<std::int64_t>(kLengthBytes + position));
    return false;
  }

  Status& status() { return status_; }
  TensorTable& tensors() { return tensors_; }  // offset_bytes still counts from the data's start

 private:
  bool fail(std::string_view what) {
    status_ = Status(StatusCode::kBadFile,
                     name_.empty() ? join("the header holds ", what)
                                   : join("the header's entry '", name_, "' holds ", what));
    return false;
  }

  void begin_tensor() {
    tensor_ = {};
    dtype_.clear();
    has_shape_ = has_offsets_ = false;
    n_offsets_ = 0;
    end_bytes_ = 0;
  }

  bool begin_list(bool& seen) {
    if (seen) return fail(join("the field '", field_, "' twice"));
    seen = true;
    return true;
  }

  bool end_tensor() {
    if (dtype_.empty() || !has_shape_ || !has_offsets_)
      return fail("no dtype, no shape or no data_offsets");
    const auto type = tensor_type_of(dtype_);
    if (!type.has_value()) {
      status_ = Status(StatusCode::kUnsupportedType,
                       join("tensor '", name_, "' has type ", dtype_, ", which is not supported"));
      return false;
    }
    tensor_.type = *type;
    auto size_bytes = tensor_size_bytes(tensor_.type, tensor_.dims());
    if (!size_bytes.is_ok()) return fail(size_bytes.status().message());
    if (end_bytes_ < tensor_.offset_bytes ||
        end_bytes_ - tensor_.offset_bytes != size_bytes.value())
      return fail(join("offsets ", tensor_.offset_bytes, " to ", end_bytes_, " for a shape ",
                       shape_text(tensor_.dims()), " of ", size_bytes.value(), " bytes"));
    if (tensors_.size() == kMaxTensors) return fail("one tensor more than are allowed");
    tensor_.size_bytes = size_bytes.value();
    tensor_.name = name_;
    tensors_.push_back(std::move(tensor_));
    return true;
  }

  int depth_ = 0;
  bool in_metadata_ = false;
  std::string name_;   // of the entry being read
  std::string field_;  // inside it
  TensorEntry tensor_;
  std::string dtype_;
  bool has_shape_ = false;
  bool has_offsets_ = false;
  int n_offsets_ = 0;
  std::uint64_t end_bytes_ = 0;
  TensorTable tensors_;
  Status status_;
};

Status bad(const DataSource& source, const std::string& message, std::int64_t offset) {
  return {StatusCode::kBadFile, join("'", source.name(), "': ", message), offset};
}

// The data section must be the tensors, end to end: no gap, no overlap, nothing behind the last.
Status place_tensors(const DataSource& source, std::uint64_t data_start, TensorTable& tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return a.offset_bytes < b.offset_bytes ||
           (a.offset_bytes == b.offset_bytes && a.size_bytes < b.size_bytes);
  });
  const std::uint64_t data_bytes = source.size_bytes() - data_start;
  std::uint64_t next = 0;
  for (TensorEntry& tensor : tensors) {
    const auto offset = static_cast<std::int64_t>(data_start + next);
    if (tensor.offset_bytes != next)
      return bad(source,
                 join("tensor '", tensor.name, "' begins at byte ", tensor.offset_bytes,
                      " of the data, where the one before it ends at ", next),
                 offset);
    if (tensor.size_bytes > data_bytes - next)
      return bad(source,
                 join("tensor '", tensor.name, "' of ", tensor.size_bytes,
                      " bytes does not lie inside the file of ", source.size_bytes(), " bytes"),
                 offset);
    tensor.offset_bytes = data_start + next;
    next += tensor.size_bytes;
  }
  if (next != data_bytes)
    return bad(source, join(data_bytes - next, " bytes follow the last tensor"),
               static_cast<std::int64_t>(data_start + next));
  return Status::ok();
}

Status check_names(const DataSource& source, const TensorTable& tensors) {
  std::vector<std::string_view> names;
  names.reserve(tensors.size());
  for (const TensorEntry& tensor : tensors) names.push_back(tensor.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return Status::ok();
  return bad(source, join("the tensor '", *twice, "' is listed twice"), kLengthBytes);
}

}  // namespace

Result<bool> looks_like_safetensors(const DataSource& source) {
  ByteReader reader(source);
  std::uint64_t header_bytes = 0;
  char first = 0;
  if (source.size_bytes() < sizeof header_bytes + sizeof first) return false;
  NEMO_TRY(reader.read_number(header_bytes));
  NEMO_TRY(reader.read_number(first));
  return header_bytes <= kMaxHeaderBytes && first == '{';
}

Result<TensorTable> read_safetensors(const DataSource& source) {
  ByteReader reader(source);
  std::uint64_t header_bytes = 0;
  NEMO_TRY(reader.read_number(header_bytes));
  if (header_bytes > kMaxHeaderBytes || header_bytes > reader.remaining())
    return bad(source,
               join("announces a header of ", header_bytes, " bytes in a file of ",
                    source.size_bytes(), " (at most ", kMaxHeaderBytes, " are allowed)"),
               0);
  std::string header;
  NEMO_TRY(reader.append_bytes(header_bytes, header));
  HeaderHandler handler;
  if (!nlohmann::json::sax_parse(header.begin(), header.end(), &handler))
    return std::move(handler.status()).with_prefix(join("'", source.name(), "'"));
  TensorTable tensors = std::move(handler.tensors());
  NEMO_TRY(place_tensors(source, kLengthBytes + header_bytes, tensors));
  NEMO_TRY(check_names(source, tensors));
  return tensors;
}

}  // namespace nemotron
