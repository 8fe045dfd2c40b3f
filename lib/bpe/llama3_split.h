// The pre-tokenizer of Llama 3, by which llama.cpp cuts the texts of this family's GGUF files. The
// models were trained with another (tekken_split.h); few texts differ.
#pragma once

#include <cstddef>
#include <string_view>

namespace nemotron {

// The expression that llama3_piece_length matches. (?i) means ASCII letters, as in llama.cpp.
inline constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|)"
    R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Bytes of the first piece of `text`; see tekken_piece_length.
std::size_t llama3_piece_length(std::string_view text);

}  // namespace nemotron
