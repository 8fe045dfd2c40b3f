// The type numbers of GGUF tensors: which of our types they are, and what ggml calls the others.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "quant/tensor_type.h"

namespace nemotron {

std::optional<std::uint32_t> ggml_type_of(TensorType type);  // none for F8_E4M3
std::optional<TensorType> tensor_type_of_ggml(std::uint32_t ggml_type);
std::string_view ggml_type_name(std::uint32_t ggml_type);  // "unknown" beyond the known numbers

}  // namespace nemotron
