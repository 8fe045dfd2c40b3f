#include "convert/weight_reader.h"

#include <bit>
#include <cmath>
#include <string_view>

#include "base/text.h"
#include "quant/dequantize.h"

namespace nemotron {
namespace {

Status bad_tensor(const TensorEntry& entry, std::string_view what) {
  return {StatusCode::kBadFile, join("tensor '", entry.name, "' ", what),
          static_cast<std::int64_t>(entry.offset_bytes)};
}

bool all_finite(std::span<const float> values) {
  bool is_finite = true;
  for (const float value : values)
    is_finite &= (std::bit_cast<std::uint32_t>(value) & 0x7f800000u) != 0x7f800000u;
  return is_finite;
}

// Where GGUF's row `row` of q or k lies in safetensors: inside a head, rows of the first and the
// second half alternate.
std::uint64_t row_in_safetensors(std::uint64_t row, std::uint64_t head_dim) {
  const std::uint64_t in_head = row % head_dim;
  return row - in_head + (in_head % 2) * (head_dim / 2) + in_head / 2;
}

// And the other way.
std::uint64_t row_in_gguf(std::uint64_t row, std::uint64_t head_dim) {
  const std::uint64_t in_head = row % head_dim;
  const std::uint64_t half = head_dim / 2;
  return row - in_head + 2 * (in_head % half) + in_head / half;
}

}  // namespace

Status WeightReader::read_stored(const TensorEntry& entry, std::uint64_t first_element,
                                 std::span<float> out, std::vector<std::byte>& scratch) const {
  const TensorTypeTraits& block = traits(entry.type);
  scratch.resize(out.size() / block.block_elements * block.block_bytes);
  NEMO_TRY(
      file_.read_raw(entry, first_element / block.block_elements * block.block_bytes, scratch));
  dequantize(entry.type, scratch.data(), out.size(), out.data());
  return Status::ok();
}

Status WeightReader::read_permuted(const TensorEntry& entry, std::uint64_t first_row,
                                   std::span<float> out, std::vector<std::byte>& scratch) const {
  const std::uint64_t n_columns = entry.shape[1];
  const auto head_dim = static_cast<std::uint64_t>(file_.config().head_dim);
  const auto source_row = file_.stores_A_log() ? row_in_safetensors : row_in_gguf;
  for (std::uint64_t i = 0; i * n_columns < out.size(); ++i)
    NEMO_TRY(read_stored(entry, source_row(first_row + i, head_dim) * n_columns,
                         out.subspan(i * n_columns, n_columns), scratch));
  return Status::ok();
}

Status WeightReader::read(TensorSlot slot, std::uint64_t first_element, std::span<float> out,
                          std::vector<std::byte>& scratch) const {
  const TensorEntry& entry = *file_.lookup(slot.role, slot.layer);
  const bool is_q_or_k = slot.role == TensorRole::q_proj || slot.role == TensorRole::k_proj;
  // Only safetensors hold q and k as they were trained.
  if (is_q_or_k && changes_style_ && file_.config().head_dim % 2 == 0) {
    NEMO_TRY(read_permuted(entry, first_element / entry.shape[1], out, scratch));
  } else {
    NEMO_TRY(read_stored(entry, first_element, out, scratch));
  }
  if (!all_finite(out)) return bad_tensor(entry, "holds a number that is not finite");
  const float scale = file_.scales(slot.role, slot.layer).weight;
  if (scale != 1.0f)
    for (float& value : out) value *= scale;
  if (slot.role == TensorRole::A && changes_style_) {
    const auto convert = [&](double A) {
      return file_.stores_A_log() ? -std::exp(A) : std::log(-A);
    };
    for (float& value : out) value = static_cast<float>(convert(value));
    if (!all_finite(out)) return bad_tensor(entry, "holds a number that is not negative");
  }
  return Status::ok();
}

}  // namespace nemotron
