// The byte strings of a vocabulary by id, in one flat buffer, and the way back from a byte string
// to its id. Built once, then constant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nemotron {

class TokenTable {
 public:
  static constexpr std::int32_t kNone = -1;

  // Room for `n_tokens` of `n_bytes` together; more still fit.
  void reserve(std::size_t n_tokens, std::size_t n_bytes);

  // The next token, whose id is size() before the call.
  void append(std::string_view bytes);

  // Lets find() find this token. False, and nothing changes, when the token is empty, when another
  // token with the same bytes can be found already, or when the table is crowded.
  [[nodiscard]] bool make_findable(std::int32_t id);

  // The findable token with these bytes, or kNone.
  std::int32_t find(std::string_view bytes) const;

  // Requires 0 <= id < size(). Valid as long as the table and until the next append.
  std::string_view bytes(std::int32_t id) const {
    return std::string_view(blob_).substr(ends_[id], ends_[id + 1] - ends_[id]);
  }

  std::size_t size() const { return ends_.size() - 1; }

  // Whether the tokens lie so far from where their hashes put them that somebody must have chosen
  // them for that: a table is at most half full, so that one slot further is the rule.
  bool is_crowded() const { return displacement_ > kMaxDisplacement * slots_.size(); }

 private:
  struct Slot {
    std::uint32_t tag = 0;  // the upper half of the hash
    std::int32_t id = kNone;
  };

  // Without a limit a file of 10 MB can cost minutes. Slots per slot of the table.
  static constexpr std::size_t kMaxDisplacement = 16;

  std::size_t slot_of(std::string_view bytes, std::uint64_t hash) const;
  void grow();

  std::string blob_;
  std::vector<std::size_t> ends_ = {0};  // token i is [ends_[i], ends_[i + 1]) of blob_
  std::vector<Slot> slots_;              // open addressing, at most half full, a power of two
  std::size_t n_findable_ = 0;
  std::size_t displacement_ = 0;  // slots between the tokens and their homes, together
  std::size_t longest_findable_ = 0;
};

}  // namespace nemotron
