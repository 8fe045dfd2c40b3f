#include "tokenizer/added_tokens.h"

#include <algorithm>
#include <utility>

namespace nemotron {

AddedTokens::AddedTokens(std::vector<Entry> entries) : entries_(std::move(entries)) {
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.text < b.text; });
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    auto& range = range_of_byte_[static_cast<unsigned char>(entries_[i].text[0])];
    if (range.second == 0) range.first = i;
    range.second = i + 1;
  }
}

// Narrows the sorted entries to those that agree with the text, byte by byte. The entry that ends
// at a byte is the first of those that agree so far, because it is a prefix of all the others.
AddedTokenMatch AddedTokens::longest_at(std::string_view text, std::size_t position,
                                        std::size_t end) const {
  AddedTokenMatch longest{position, 0, -1};
  const auto range = range_of_byte_[static_cast<unsigned char>(text[position])];
  auto first = entries_.begin() + range.first;
  auto last = entries_.begin() + range.second;
  for (std::size_t n = 1; first != last; ++n) {
    if (first->text.size() == n) {
      longest = {position, n, first->id};
      ++first;
    }
    if (position + n >= end) break;
    const auto byte = static_cast<unsigned char>(text[position + n]);
    first = std::partition_point(first, last, [&](const Entry& entry) {
      return static_cast<unsigned char>(entry.text[n]) < byte;
    });
    last = std::partition_point(first, last, [&](const Entry& entry) {
      return static_cast<unsigned char>(entry.text[n]) == byte;
    });
  }
  return longest;
}

AddedTokenMatch AddedTokens::find_first(std::string_view text, std::size_t start,
                                        std::size_t end) const {
  for (std::size_t position = start; position < end; ++position) {
    if (range_of_byte_[static_cast<unsigned char>(text[position])].second == 0) continue;
    const AddedTokenMatch match = longest_at(text, position, end);
    if (match.n_bytes != 0) return match;
  }
  return {end, 0, -1};
}

std::int32_t AddedTokens::find(std::string_view text) const {
  const auto found = std::lower_bound(
      entries_.begin(), entries_.end(), text,
      [](const Entry& entry, std::string_view wanted) { return entry.text < wanted; });
  return found != entries_.end() && found->text == text ? found->id : -1;
}

}  // namespace nemotron
