// The GPT-2 byte alphabet: one printable character for each byte, in which tokenizer.json and GGUF
// write the tokens of a byte-level vocabulary.
#pragma once

#include <string>
#include <string_view>

namespace nemotron {

// The bytes that `text` stands for; false when it holds anything that is not of the alphabet.
[[nodiscard]] bool bytes_from_alphabet(std::string_view text, std::string& bytes);

// `bytes` written in the alphabet.
std::string alphabet_from_bytes(std::string_view bytes);

}  // namespace nemotron
