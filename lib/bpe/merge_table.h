// Which adjacent pairs of tokens merge, in which order of preference, and into what. Built once,
// then constant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nemotron {

struct Merge {
  static constexpr std::uint32_t kNoRank = 0xFFFFFFFFu;

  std::uint32_t rank = kNoRank;  // lower ranks merge first; kNoRank: the pair does not merge
  std::int32_t id = -1;          // what the pair becomes
};

class MergeTable {
 public:
  // An empty table with room for `n_merges`, at most which may be inserted.
  explicit MergeTable(std::size_t n_merges = 0);

  // False, and nothing changes, when the pair has a merge already or the table is crowded.
  [[nodiscard]] bool insert(std::int32_t left, std::int32_t right, Merge merge);

  // Whether the pairs lie so far from their homes that they must have been chosen for that.
  bool is_crowded() const { return displacement_ > kMaxDisplacement * slots_.size(); }

  Merge find(std::int32_t left, std::int32_t right) const {
    const std::uint64_t key = key_of(left, right);
    std::size_t slot = home_of(key);
    while (slots_[slot].merge.id >= 0 && slots_[slot].key != key) slot = next(slot);
    return slots_[slot].merge;
  }

 private:
  static constexpr std::size_t kMaxDisplacement = 16;  // slots per slot; see TokenTable

  struct Slot {
    std::uint64_t key = 0;
    Merge merge;
  };

  static std::uint64_t key_of(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
           static_cast<std::uint32_t>(right);
  }
  // The upper bits of a product with 2^64 / golden ratio.
  std::size_t home_of(std::uint64_t key) const { return (key * 0x9E3779B97F4A7C15u) >> shift_; }
  std::size_t next(std::size_t slot) const { return (slot + 1) & (slots_.size() - 1); }

  std::vector<Slot> slots_;  // open addressing, a power of two, never full
  int shift_;
  std::size_t displacement_ = 0;  // slots between the pairs and their homes, together
};

}  // namespace nemotron
