// Finds the tokens that are taken out of the text verbatim before it is cut into pieces: control
// tokens and the file's other added tokens. Of several that match, the leftmost, then the longest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nemotron {

struct AddedTokenMatch {
  std::size_t position;
  std::size_t n_bytes;  // 0: there is none
  std::int32_t id;
};

class AddedTokens {
 public:
  struct Entry {
    std::string text;  // not empty, no two alike
    std::int32_t id;
  };

  explicit AddedTokens(std::vector<Entry> entries = {});

  bool is_empty() const { return entries_.empty(); }

  // The first match that begins at `start` or later and ends at `end` or before.
  AddedTokenMatch find_first(std::string_view text, std::size_t start, std::size_t end) const;

  // The token whose text this is, -1 if there is none.
  std::int32_t find(std::string_view text) const;

 private:
  AddedTokenMatch longest_at(std::string_view text, std::size_t position, std::size_t end) const;

  std::vector<Entry> entries_;  // sorted by text
  // Where the entries that begin with this byte lie in entries_: [first, second).
  std::array<std::pair<std::uint32_t, std::uint32_t>, 256> range_of_byte_{};
};

}  // namespace nemotron
