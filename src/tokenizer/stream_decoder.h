// Token ids to text as they come, such that no chunk of text ends inside a character.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "tokenizer/tokenizer.h"

namespace nemotron {

// One stream; a value, to be copied with the session it belongs to. The text is always well-formed
// UTF-8: bytes that cannot become a character are U+FFFD. Who needs the bytes as they are takes
// Tokenizer::token_bytes.
class StreamDecoder {
 public:
  // The tokenizer outlives the decoder. `skip_control`: see Tokenizer::is_control.
  explicit StreamDecoder(const Tokenizer& tokenizer, bool skip_control = true)
      : tokenizer_(&tokenizer), skip_control_(skip_control) {}

  // Appends to `text` what is whole now; the beginning of a character is held back. An id out of
  // range is kInvalidToken and changes nothing. A control token, skipped or not, is no part of a
  // character: what was held back before it comes out as U+FFFD.
  Status push(std::int32_t id, std::string& text);

  // The end of the stream: what was held back comes out as U+FFFD.
  void flush(std::string& text);

  // Makes room for tokens of that many bytes, so that push() rarely allocates.
  void reserve(std::size_t n_bytes) { held_back_.reserve(n_bytes + 3); }

  // What is held back, at most three bytes.
  std::string_view held_back() const { return held_back_; }

 private:
  const Tokenizer* tokenizer_;
  bool skip_control_;
  std::string held_back_;
};

}  // namespace nemotron
