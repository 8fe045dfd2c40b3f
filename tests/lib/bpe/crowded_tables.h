// Tokens and pairs that lie on one place of their hash tables, as a hostile file can choose them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

namespace nemotron {

// `count` different words of small letters whose hashes end in `n_bits` zeros.
inline std::vector<std::string> colliding_words(std::size_t count, int n_bits) {
  const std::uint64_t mask = (std::uint64_t{1} << n_bits) - 1;
  std::vector<std::string> words;
  for (std::uint32_t i = 0; words.size() < count; ++i) {
    std::string word = "q";
    for (std::uint32_t rest = i; rest > 0; rest /= 26) word += static_cast<char>('a' + rest % 26);
    if ((XXH3_64bits(word.data(), word.size()) & mask) == 0) words.push_back(word);
  }
  return words;
}

// Different pairs of ids below `n_ids` whose products with 2^64 / golden ratio begin with `n_bits`
// zeros: all there are, at most `count`.
inline std::vector<std::pair<std::int32_t, std::int32_t>> colliding_pairs(std::size_t count,
                                                                          std::int32_t n_ids,
                                                                          int n_bits) {
  std::vector<std::pair<std::int32_t, std::int32_t>> pairs;
  for (std::int32_t left = 0; left < n_ids; ++left) {
    for (std::int32_t right = 0; right < n_ids && pairs.size() < count; ++right) {
      const std::uint64_t key =
          static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint64_t>(right);
      if ((key * 0x9E3779B97F4A7C15u) >> (64 - n_bits) == 0) pairs.emplace_back(left, right);
    }
  }
  return pairs;
}

}  // namespace nemotron
