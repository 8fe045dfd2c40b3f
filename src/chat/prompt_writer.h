// A prompt under construction: its text, and which parts of it the format wrote itself. Only in
// those may control tokens be recognised, so that no text from outside can forge one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace nemotron {

struct RenderedPrompt {
  std::string text;
  // Where control tokens may be recognised: ascending, apart from each other.
  std::vector<TextRange> special_ranges;
};

inline constexpr std::string_view kThinkOpen = "<think>";
inline constexpr std::string_view kThinkClose = "</think>";

class PromptWriter {
 public:
  // What the format writes.
  void format(std::string_view text);
  // Text from outside: nothing in it is a control token.
  void plain(std::string_view text) { prompt_.text += text; }
  // An assistant's text: the tags of reasoning in it are control tokens, nothing else is.
  void assistant(std::string_view text);

  RenderedPrompt take() { return std::move(prompt_); }

 private:
  RenderedPrompt prompt_;
};

}  // namespace nemotron
