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

  // Lets find() find this token. False, and nothing changes, when the token is empty or when
  // another token with the same bytes can be found already.
  [[nodiscard]] bool make_findable(std::int32_t id);

  // The findable token with these bytes, or kNone.
  std::int32_t find(std::string_view bytes) const;

  // Requires 0 <= id < size(). Valid as long as the table and until the next append.
  std::string_view bytes(std::int32_t id) const {
    return std::string_view(blob_).substr(ends_[id], ends_[id + 1] - ends_[id]);
  }

  std::size_t size() const { return ends_.size() - 1; }

 private:
  struct Slot {
    std::uint32_t tag = 0;  // the upper half of the hash
    std::int32_t id = kNone;
  };

  std::size_t slot_of(std::string_view bytes, std::uint64_t hash) const;
  void grow();

  std::string blob_;
  std::vector<std::size_t> ends_ = {0};  // token i is [ends_[i], ends_[i + 1]) of blob_
  std::vector<Slot> slots_;              // open addressing, at most half full, a power of two
  std::size_t n_findable_ = 0;
  std::size_t longest_findable_ = 0;
};

}  // namespace nemotron
