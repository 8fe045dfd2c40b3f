// Shapes to bytes, with every product checked.
#include "quant/tensor_table.h"

#include "base/checked_math.h"
#include "base/text.h"

namespace nemotron {

std::uint64_t TensorEntry::n_elements() const {
  std::uint64_t n = 1;
  for (const std::uint64_t dim : dims()) n *= dim;
  return n;
}

std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

Result<std::uint64_t> tensor_size_bytes(TensorType type, std::span<const std::uint64_t> shape) {
  const TensorTypeTraits& type_traits = traits(type);
  const std::uint64_t row_elements = shape.empty() ? 1 : shape.back();
  if (row_elements % type_traits.block_elements != 0)
    return Status{StatusCode::kBadFile,
                  join("rows of ", row_elements, " elements are not whole blocks of ",
                       type_traits.block_elements, " (", type_traits.name, ")")};
  // The plain product must fit too, not only the bytes: a block type has less than one byte per
  // element.
  std::uint64_t n_elements = 1;
  bool fits = true;
  for (const std::uint64_t dim : shape) fits = fits && checked_mul(n_elements, dim, n_elements);
  std::uint64_t n_bytes = 0;
  fits = fits &&
         checked_mul(n_elements / type_traits.block_elements, type_traits.block_bytes, n_bytes) &&
         n_bytes <= INT64_MAX;
  if (!fits)
    return Status{StatusCode::kBadFile, join("the shape ", shape_text(shape), " overflows")};
  return n_bytes;
}

}  // namespace nemotron
