// Numbers 4, 5, 31 to 33 and 36 to 38 belonged to types that ggml removed.
#include "gguf/ggml_types.h"

#include <iterator>

namespace nemotron {

std::optional<std::uint32_t> ggml_type_of(TensorType type) {
  switch (type) {
    case TensorType::kF32:
      return 0;
    case TensorType::kF16:
      return 1;
    case TensorType::kQ4_0:
      return 2;
    case TensorType::kQ4_1:
      return 3;
    case TensorType::kQ5_0:
      return 6;
    case TensorType::kQ5_1:
      return 7;
    case TensorType::kQ8_0:
      return 8;
    case TensorType::kQ2_K:
      return 10;
    case TensorType::kQ3_K:
      return 11;
    case TensorType::kQ4_K:
      return 12;
    case TensorType::kQ5_K:
      return 13;
    case TensorType::kQ6_K:
      return 14;
    case TensorType::kIQ4_NL:
      return 20;
    case TensorType::kIQ4_XS:
      return 23;
    case TensorType::kBF16:
      return 30;
    case TensorType::kNVFP4:
      return 40;
    case TensorType::kF8_E4M3:
      break;
  }
  return std::nullopt;
}

std::optional<TensorType> tensor_type_of_ggml(std::uint32_t ggml_type) {
  for (int i = 0; i < kNumTensorTypes; ++i) {
    const auto type = static_cast<TensorType>(i);
    if (ggml_type_of(type) == ggml_type) return type;
  }
  return std::nullopt;
}

std::string_view ggml_type_name(std::uint32_t ggml_type) {
  constexpr std::string_view kNames[] = {
      "F32",   "F16",        "Q4_0",       "Q4_1",       "Q4_2",     "Q4_3",     "Q5_0",
      "Q5_1",  "Q8_0",       "Q8_1",       "Q2_K",       "Q3_K",     "Q4_K",     "Q5_K",
      "Q6_K",  "Q8_K",       "IQ2_XXS",    "IQ2_XS",     "IQ3_XXS",  "IQ1_S",    "IQ4_NL",
      "IQ3_S", "IQ2_S",      "IQ4_XS",     "I8",         "I16",      "I32",      "I64",
      "F64",   "IQ1_M",      "BF16",       "Q4_0_4_4",   "Q4_0_4_8", "Q4_0_8_8", "TQ1_0",
      "TQ2_0", "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4",    "NVFP4",    "Q1_0",
      "Q2_0"};
  return ggml_type < std::size(kNames) ? kNames[ggml_type] : "unknown";
}

}  // namespace nemotron
