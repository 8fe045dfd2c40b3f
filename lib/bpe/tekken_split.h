// The Tekken pre-tokenizer: cuts text into the pieces that byte-level BPE then works on. A
// hand-written matcher of exactly one regular expression, linear in the text.
#pragma once

#include <cstddef>
#include <string_view>

namespace nemotron {

// The expression as tokenizer.json files write it; tekken_piece_length matches it and no other.
inline constexpr std::string_view kTekkenPattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|)"
    R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Bytes of the first piece of `text`, which is not empty; the pieces are had by calling this again
// on what follows. Every byte is in exactly one piece. A byte that is not UTF-8 counts as one
// symbol that is no letter, number, mark or space.
std::size_t tekken_piece_length(std::string_view text);

}  // namespace nemotron
