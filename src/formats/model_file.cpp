// Reading of single tensors.
#include "formats/model_file.h"

#include <algorithm>

#include "base/text.h"
#include "quant/dequantize.h"

namespace nemotron {
namespace {

Status wrong_size(const TensorEntry& entry, std::size_t found, std::uint64_t expected) {
  return {StatusCode::kInternal,
          join("tensor '", entry.name, "' read into ", found, " places; it has ", expected)};
}

}  // namespace

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
