// What kind of file is asked for, and which type each of its tensors then has. For GGUF these are
// the rules of llama.cpp's quantizer, so that a file made here has the types of one made there; but
// for nemo4, a mix of ours, whose types are those of the blocks alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "formats/tensor_names.h"
#include "model/config.h"
#include "quant/tensor_type.h"

namespace nemotron {

enum class FileType : std::uint8_t {
  f32,
  f16,
  bf16,
  fp8,  // safetensors only
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k_s,
  q3_k_m,
  q3_k_l,
  q4_k_s,
  q4_k_m,
  q5_k_s,
  q5_k_m,
  q6_k,
  iq4_nl,
  iq4_xs,
  nemo4,  // ours: choose_types.h
};

struct FileTypeTraits {
  FileType type;
  std::string_view name;      // lower case: "q4_k_m"
  TensorType tensor_type;     // of most matrices
  std::uint32_t gguf_number;  // general.file_type
};

// By its name in either case; "q3_k", "q4_k" and "q5_k" are their _m forms.
std::optional<FileType> parse_file_type(std::string_view name);
const FileTypeTraits& traits(FileType type);

// The type of a tensor in a GGUF file of this kind; of nemo4, before choose_types(). Not for fp8.
// An importance matrix makes some types safe where they are not without, and others not.
TensorType gguf_tensor_type(FileType type, const ModelConfig& config, TensorSlot slot,
                            bool has_importance = false);

}  // namespace nemotron
