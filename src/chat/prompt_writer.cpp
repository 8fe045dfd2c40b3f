#include "chat/prompt_writer.h"

#include <algorithm>

namespace nemotron {

void PromptWriter::format(std::string_view text) {
  if (text.empty()) return;
  std::vector<TextRange>& ranges = prompt_.special_ranges;
  const std::size_t begin = prompt_.text.size();
  prompt_.text += text;
  if (!ranges.empty() && ranges.back().end == begin) {
    ranges.back().end = prompt_.text.size();
  } else {
    ranges.push_back({begin, prompt_.text.size()});
  }
}

void PromptWriter::assistant(std::string_view text) {
  while (!text.empty()) {
    const std::size_t open = text.find(kThinkOpen);
    const std::size_t close = text.find(kThinkClose);
    const std::size_t tag = std::min(open, close);
    plain(text.substr(0, tag));
    if (tag == std::string_view::npos) return;
    const std::string_view name = open < close ? kThinkOpen : kThinkClose;
    format(name);
    text.remove_prefix(tag + name.size());
  }
}

}  // namespace nemotron
