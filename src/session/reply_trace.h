// Where in the text of an answer each token of a reply ends: what nemo_session_truncate_reply
// needs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace nemotron {

struct ReplyTrace {
  std::int64_t first_position = 0;  // of the reply's first token
  // Of each token sampled: the bytes of the answer that are whole with it. A token that ends inside
  // a character, a tag or what may become a stop string ends where that is decided. Ascending.
  std::vector<std::uint64_t> ends;
  std::uint64_t n_delivered = 0;  // bytes of the answer, in all

  // How many tokens a session holds that keeps what lies within the first n bytes.
  std::int64_t position_after(std::uint64_t n_bytes) const {
    if (n_bytes >= n_delivered) return std::numeric_limits<std::int64_t>::max();
    const auto kept = std::upper_bound(ends.begin(), ends.end(), n_bytes) - ends.begin();
    return first_position + kept;
  }
};

}  // namespace nemotron
