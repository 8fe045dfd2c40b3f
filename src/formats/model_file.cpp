// Reading of single tensors.
#include "formats/model_file.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "quant/dequantize.h"

namespace nemotron {
namespace {

Status wrong_size(const TensorEntry& entry, std::size_t found, std::uint64_t expected) {
  return {StatusCode::kInternal,
          join("tensor '", entry.name, "' read into ", found, " places; it has ", expected)};
}

constexpr ScaleKind kScaleKinds[] = {ScaleKind::weight, ScaleKind::input};

}  // namespace

Result<ModelFile> ModelFile::create(Contents contents, TensorBinding binding) {
  ModelFile file(std::move(contents), std::move(binding));
  if (file.binding_.n_kv_scales() > 0)
    file.contents_.notes.push_back(
        join(file.binding_.n_kv_scales(),
             " scales of an FP8 key-value cache are not used: keys and values are kept wider"));
  NEMO_TRY(file.read_scales());
  return file;
}

Status ModelFile::read_scales() {
  for (const TensorSlot slot : all_slots(config())) {
    for (const ScaleKind kind : kScaleKinds) NEMO_TRY(read_scale(kind, slot));
    const MatrixScales both = scales(slot.role, slot.layer);
    if (both.input != 0.0f && !std::isnormal(both.weight * both.input))
      return {StatusCode::kBadFile, join("'", path(), "': the product of the scales of '",
                                         lookup(slot.role, slot.layer)->name, "' is out of range")};
  }
  return Status::ok();
}

Status ModelFile::read_scale(ScaleKind kind, TensorSlot slot) {
  const int index = binding_.find_scale(kind, slot.role, slot.layer);
  if (index < 0) return Status::ok();
  scale_values_.resize(contents_.table.size());
  const TensorEntry& entry = contents_.table[static_cast<std::size_t>(index)];
  float& value = scale_values_[static_cast<std::size_t>(index)];
  NEMO_TRY(read_f32(entry, std::span(&value, 1)));
  if (std::isfinite(value) && value > 0.0f) return Status::ok();
  return {StatusCode::kBadFile,
          join("'", file_of(entry), "': the scale '", entry.name, "' is ", value,
               "; a positive number is expected"),
          static_cast<std::int64_t>(entry.offset_bytes)};
}

// Only an FP8 product rounds its inputs: the input scales of other types mean another arithmetic.
MatrixScales ModelFile::scales(TensorRole role, int layer) const {
  MatrixScales out;
  const auto value = [&](ScaleKind kind, float& to) {
    const int index = binding_.find_scale(kind, role, layer);
    if (index >= 0) to = scale_values_[static_cast<std::size_t>(index)];
  };
  value(ScaleKind::weight, out.weight);
  const TensorEntry* entry = lookup(role, layer);
  if (entry != nullptr && entry->type == TensorType::kF8_E4M3) value(ScaleKind::input, out.input);
  return out;
}

std::uint64_t ModelFile::size_bytes() const {
  std::uint64_t total = 0;
  for (const auto& source : contents_.sources) total += source->size_bytes();
  return total;
}

const TensorEntry* ModelFile::lookup(TensorRole role, int layer) const {
  const int index = binding_.find(role, layer);
  return index < 0 ? nullptr : &contents_.table[static_cast<std::size_t>(index)];
}

Status ModelFile::read_raw(const TensorEntry& entry, std::uint64_t offset_bytes,
                           std::span<std::byte> out) const {
  if (offset_bytes > entry.size_bytes || out.size() > entry.size_bytes - offset_bytes)
    return wrong_size(entry, out.size(), entry.size_bytes);
  return contents_.sources[entry.file]->read_at(entry.offset_bytes + offset_bytes, out);
}

Result<std::vector<std::shared_ptr<const MappedBytes>>> ModelFile::map() const {
  std::vector<std::shared_ptr<const MappedBytes>> mappings;
  for (const auto& source : contents_.sources) {
    NEMO_ASSIGN(mappings.emplace_back(), source->map());
  }
  return mappings;
}

Status ModelFile::check_unchanged() const {
  for (const auto& source : contents_.sources) NEMO_TRY(source->check_unchanged());
  return Status::ok();
}

Status ModelFile::read_f32(const TensorEntry& entry, std::span<float> out) const {
  if (out.size() != entry.n_elements()) return wrong_size(entry, out.size(), entry.n_elements());
  // Piecewise, so that the stored form never stands beside the floats as a whole.
  constexpr std::size_t kPieceElements = 1 << 17;  // whole blocks of every type
  const DataSource& source = *contents_.sources[entry.file];
  const TensorTypeTraits& type = traits(entry.type);
  std::vector<std::byte> blocks(std::min<std::size_t>(
      entry.size_bytes, kPieceElements / type.block_elements * type.block_bytes));
  std::uint64_t offset = entry.offset_bytes;
  for (std::size_t done = 0; done < out.size();) {
    const std::size_t n_elements = std::min(out.size() - done, kPieceElements);
    const std::size_t n_bytes = n_elements / type.block_elements * type.block_bytes;
    NEMO_TRY(source.read_at(offset, std::span(blocks).first(n_bytes)));
    dequantize(entry.type, blocks.data(), n_elements, out.data() + done);
    done += n_elements;
    offset += n_bytes;
  }
  return Status::ok();
}

}  // namespace nemotron
