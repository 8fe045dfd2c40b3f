// GGUF: magic, version, counts, metadata, tensor infos, padding, tensor data.
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#include "gguf/gguf.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "base/checked_math.h"
#include "base/text.h"
#include "base/utf8.h"
#include "gguf/ggml_types.h"
#include "io/byte_reader.h"

namespace nemotron {
namespace {

constexpr std::array<char, 4> kMagic = {'G', 'G', 'U', 'F'};
constexpr std::uint64_t kMaxKeyBytes = 65535;  // the format's own limit
constexpr std::uint64_t kMaxNameBytes = 256;   // the format says 64
constexpr int kMaxArrayDepth = 4;
// Far beyond any model; they bound what a file of empty entries can make us hold.
constexpr std::uint64_t kMaxEntries = 1 << 16;
constexpr std::uint64_t kMaxTensors = 1 << 18;
constexpr std::uint64_t kMaxAlignmentBytes = 1 << 20;
// The least that a metadata entry (key length, type, one byte) and a tensor info (name length,
// number of dimensions, type, offset) take.
constexpr std::uint64_t kMinEntryBytes = 8 + 4 + 1;
constexpr std::uint64_t kMinTensorInfoBytes = 8 + 4 + 4 + 8;

}  // namespace

// Reads one file from start to end; each function consumes its part.
class GgufReader {
 public:
  explicit GgufReader(const DataSource& source) : source_(source), reader_(source) {}

  Result<GgufFile> read() {
    std::uint64_t n_tensors = 0;
    std::uint64_t n_entries = 0;
    NEMO_TRY(read_header(n_tensors, n_entries));
    for (std::uint64_t i = 0; i < n_entries; ++i) NEMO_TRY(read_entry());
    NEMO_TRY(read_alignment());
    NEMO_TRY(check_count(n_tensors, kMinTensorInfoBytes, "tensors"));
    for (std::uint64_t i = 0; i < n_tensors; ++i) NEMO_TRY(read_tensor_info());
    NEMO_TRY(place_tensors());
    return std::move(file_);
  }

 private:
  Status bad(const std::string& message, std::uint64_t offset) const {
    return {StatusCode::kBadFile, join("'", source_.name(), "': ", message),
            static_cast<std::int64_t>(offset)};
  }

  Status check_count(std::uint64_t count, std::uint64_t min_bytes, std::string_view what) const {
    if (count > reader_.remaining() / min_bytes)
      return bad(join("announces ", count, " ", what, " and has only ", reader_.remaining(),
                      " bytes left"),
                 reader_.offset());
    return Status::ok();
  }

  Status read_header(std::uint64_t& n_tensors, std::uint64_t& n_entries) {
    std::array<char, 4> magic;
    NEMO_TRY(reader_.read_bytes(std::as_writable_bytes(std::span(magic))));
    if (magic != kMagic)
      return {StatusCode::kUnsupportedFormat, join("'", source_.name(), "' is not a GGUF file"), 0};
    NEMO_TRY(reader_.read_number(file_.version));
    if (file_.version != 2 && file_.version != 3) {
      // A big-endian 1, 2 or 3 read as little-endian has nothing in its lower half.
      const bool is_big_endian = file_.version != 0 && (file_.version & 0xffffu) == 0;
      return {StatusCode::kUnsupportedFormat,
              is_big_endian ? join("'", source_.name(),
                                   "' is a big-endian GGUF file; only little-endian ones "
                                   "can be read")
                            : join("'", source_.name(), "' is GGUF version ", file_.version,
                                   "; versions 2 and 3 can be read"),
              4};
    }
    NEMO_TRY(reader_.read_number(n_tensors));
    NEMO_TRY(reader_.read_number(n_entries));
    NEMO_TRY(check_count(n_entries, kMinEntryBytes, "metadata entries"));
    NEMO_TRY(check_count(n_tensors, kMinTensorInfoBytes, "tensors"));
    if (n_entries <= kMaxEntries && n_tensors <= kMaxTensors) return Status::ok();
    return bad(join("announces ", n_entries, " metadata entries and ", n_tensors,
                    " tensors; at most ", kMaxEntries, " and ", kMaxTensors, " are allowed"),
               reader_.offset());
  }

  Status read_name(std::uint64_t max_bytes, std::string_view what, std::string& out) {
    const std::uint64_t offset = reader_.offset();
    std::uint64_t n_bytes = 0;
    NEMO_TRY(reader_.read_number(n_bytes));
    if (n_bytes > max_bytes)
      return bad(join(what, " of ", n_bytes, " bytes; at most ", max_bytes, " are allowed"),
                 offset);
    NEMO_TRY(reader_.append_bytes(n_bytes, out));
    if (is_printable_utf8(out)) return Status::ok();
    return bad(join(what, " is not UTF-8 or holds control characters: '", out, "'"), offset);
  }

  Status read_entry() {
    const std::uint64_t offset = reader_.offset();
    std::string key;
    NEMO_TRY(read_name(kMaxKeyBytes, "a metadata key", key));
    std::uint32_t type = 0;
    NEMO_TRY(reader_.read_number(type));
    GgufValue value;
    value.type_ = static_cast<GgufType>(type);
    if (value.type_ == GgufType::kArray) {
      NEMO_TRY(read_array(key, value));
    } else {
      NEMO_TRY(read_elements(key, value));
    }
    if (!file_.metadata.emplace(key, std::move(value)).second)
      return bad(join("the metadata key '", key, "' is given twice"), offset);
    return Status::ok();
  }

  Status read_array_header(std::string_view key, GgufType& type, std::uint64_t& n_elements) {
    std::uint32_t type_number = 0;
    NEMO_TRY(reader_.read_number(type_number));
    type = static_cast<GgufType>(type_number);
    NEMO_TRY(reader_.read_number(n_elements));
    // Strings begin with a length of 8 bytes, inner arrays with a type and a count.
    const std::uint64_t min_bytes = type == GgufType::kString  ? 8
                                    : type == GgufType::kArray ? 12
                                                               : gguf_number_bytes(type);
    if (min_bytes == 0) return unknown_type(key, type_number);
    return check_count(n_elements, min_bytes, join("elements in the array '", key, "'"));
  }

  Status unknown_type(std::string_view key, std::uint32_t type_number) const {
    return bad(join("metadata '", key, "' has the unknown type ", type_number), reader_.offset());
  }

  Status read_array(std::string_view key, GgufValue& value) {
    value.is_array_ = true;
    NEMO_TRY(read_array_header(key, value.type_, value.n_elements_));
    if (value.type_ != GgufType::kArray) return read_elements(key, value);
    for (std::uint64_t i = 0; i < value.n_elements_; ++i) NEMO_TRY(skip_array(key, 2));
    return Status::ok();
  }

  // An array inside an array: checked and passed over, since no model uses one.
  Status skip_array(std::string_view key, int depth) {
    if (depth > kMaxArrayDepth)
      return bad(join("metadata '", key, "' nests arrays more than ", kMaxArrayDepth, " deep"),
                 reader_.offset());
    GgufType type;
    std::uint64_t n_elements = 0;
    NEMO_TRY(read_array_header(key, type, n_elements));
    if (type == GgufType::kArray) {
      for (std::uint64_t i = 0; i < n_elements; ++i) NEMO_TRY(skip_array(key, depth + 1));
      return Status::ok();
    }
    if (type != GgufType::kString) return reader_.skip(n_elements * gguf_number_bytes(type));
    for (std::uint64_t i = 0; i < n_elements; ++i) {
      std::uint64_t n_bytes = 0;
      NEMO_TRY(reader_.read_number(n_bytes));
      NEMO_TRY(reader_.skip(n_bytes));
    }
    return Status::ok();
  }

  // The n_elements_ numbers or strings of a value; for an array, read_array_header has checked that
  // so many can still come.
  Status read_elements(std::string_view key, GgufValue& value) {
    if (value.type_ == GgufType::kString) {
      value.string_ends_.reserve(value.n_elements_);
      for (std::uint64_t i = 0; i < value.n_elements_; ++i) {
        std::uint64_t n_bytes = 0;
        NEMO_TRY(reader_.read_number(n_bytes));
        NEMO_TRY(reader_.append_bytes(n_bytes, value.bytes_));
        value.string_ends_.push_back(value.bytes_.size());
      }
      return Status::ok();
    }
    const std::uint32_t n_bytes = gguf_number_bytes(value.type_);
    if (n_bytes == 0) return unknown_type(key, static_cast<std::uint32_t>(value.type_));
    return reader_.append_bytes(value.n_elements_ * n_bytes, value.bytes_);
  }

  Status read_alignment() {
    if (file_.find("general.alignment") == nullptr) return Status::ok();
    NEMO_ASSIGN(file_.alignment_bytes, file_.get_uint("general.alignment"));
    if (!std::has_single_bit(file_.alignment_bytes) || file_.alignment_bytes > kMaxAlignmentBytes)
      return bad(join("general.alignment is ", file_.alignment_bytes, "; a power of two up to ",
                      kMaxAlignmentBytes, " is expected"),
                 reader_.offset());
    return Status::ok();
  }

  Status read_tensor_info() {
    const std::uint64_t offset = reader_.offset();
    TensorEntry tensor;
    NEMO_TRY(read_name(kMaxNameBytes, "a tensor name", tensor.name));
    std::uint32_t n_dims = 0;
    NEMO_TRY(reader_.read_number(n_dims));
    if (n_dims > TensorEntry::kMaxDims)
      return bad(join("tensor '", tensor.name, "' has ", n_dims, " dimensions; at most ",
                      TensorEntry::kMaxDims, " are allowed"),
                 offset);
    tensor.n_dims = static_cast<int>(n_dims);
    // The file lists dimensions fastest first.
    for (int i = tensor.n_dims - 1; i >= 0; --i)
      NEMO_TRY(reader_.read_number(tensor.shape[static_cast<std::size_t>(i)]));
    std::uint32_t ggml_type = 0;
    NEMO_TRY(reader_.read_number(ggml_type));
    NEMO_TRY(reader_.read_number(tensor.offset_bytes));
    const auto type = tensor_type_of_ggml(ggml_type);
    if (!type.has_value())
      return {StatusCode::kUnsupportedType,
              join("'", source_.name(), "': tensor '", tensor.name, "' has type ", ggml_type, " (",
                   ggml_type_name(ggml_type), "), which is not supported"),
              static_cast<std::int64_t>(offset)};
    tensor.type = *type;
    auto size_bytes = tensor_size_bytes(tensor.type, tensor.dims());
    if (!size_bytes.is_ok())
      return bad(join("tensor '", tensor.name, "': ", size_bytes.status().message()), offset);
    tensor.size_bytes = size_bytes.value();
    file_.tensors.push_back(std::move(tensor));
    return Status::ok();
  }

  // Turns offsets from the data section into offsets from the start of the file; then every tensor
  // must lie inside it, aligned, and on bytes of its own.
  Status place_tensors() {
    const std::uint64_t data_start = round_up(reader_.offset(), file_.alignment_bytes);
    for (TensorEntry& tensor : file_.tensors) {
      std::uint64_t begin = 0;
      std::uint64_t end = 0;
      if (!checked_add(data_start, tensor.offset_bytes, begin) ||
          !checked_add(begin, tensor.size_bytes, end) || end > source_.size_bytes())
        return bad(join("tensor '", tensor.name, "' of ", tensor.size_bytes, " bytes at offset ",
                        tensor.offset_bytes, " of the data does not lie inside the file of ",
                        source_.size_bytes(), " bytes"),
                   source_.size_bytes());
      if (tensor.offset_bytes % file_.alignment_bytes != 0)
        return bad(join("tensor '", tensor.name, "' at offset ", tensor.offset_bytes,
                        " of the data is not aligned to ", file_.alignment_bytes),
                   begin);
      tensor.offset_bytes = begin;
    }
    return check_distinct();
  }

  Status check_distinct() const {
    std::vector<const TensorEntry*> order;
    order.reserve(file_.tensors.size());
    for (const TensorEntry& tensor : file_.tensors) order.push_back(&tensor);
    const auto by_name = [](const TensorEntry* a, const TensorEntry* b) {
      return a->name < b->name;
    };
    std::sort(order.begin(), order.end(), by_name);
    for (std::size_t i = 1; i < order.size(); ++i) {
      if (order[i - 1]->name == order[i]->name)
        return bad(join("the tensor '", order[i]->name, "' is listed twice"),
                   order[i]->offset_bytes);
    }
    const auto by_offset = [](const TensorEntry* a, const TensorEntry* b) {
      return a->offset_bytes < b->offset_bytes ||
             (a->offset_bytes == b->offset_bytes && a->size_bytes < b->size_bytes);
    };
    std::sort(order.begin(), order.end(), by_offset);
    for (std::size_t i = 1; i < order.size(); ++i) {
      if (order[i - 1]->offset_bytes + order[i - 1]->size_bytes > order[i]->offset_bytes)
        return bad(
            join("the tensors '", order[i - 1]->name, "' and '", order[i]->name, "' overlap"),
            order[i]->offset_bytes);
    }
    return Status::ok();
  }

  const DataSource& source_;
  ByteReader reader_;
  GgufFile file_;
};

Result<bool> has_gguf_magic(const DataSource& source) {
  std::array<char, 4> magic{};
  if (source.size_bytes() < magic.size()) return false;
  NEMO_TRY(source.read_at(0, std::as_writable_bytes(std::span(magic))));
  return magic == kMagic;
}

Result<GgufFile> read_gguf(const DataSource& source) { return GgufReader(source).read(); }

}  // namespace nemotron
