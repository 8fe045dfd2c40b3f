// Byte-level byte-pair encoding of one piece of text: the piece's bytes are tokens, and the
// adjacent pair whose merge has the lowest rank (the leftmost of equals) merges until none does.
// Cutting text into pieces, special tokens and file formats are elsewhere.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bpe/merge_table.h"
#include "bpe/token_table.h"

namespace nemotron {

// Working memory of BpeModel::encode_piece, kept by the caller between pieces; one per thread.
struct BpeScratch {
  struct Symbol {
    std::int32_t id;
    std::uint32_t previous, next;  // places in the piece; kNoSymbol where there is none
    Merge merge;                   // of this symbol with the next one
  };
  static constexpr std::uint32_t kNoSymbol = 0xFFFFFFFFu;

  std::vector<Symbol> symbols;
  std::vector<std::uint64_t> heap;
};

class BpeModel {
 public:
  // The longest piece that encode_piece takes, in bytes.
  static constexpr std::size_t kMaxPieceBytes = 0x7FFFFFFF;

  // `tokens`: those that pieces may become are findable; each single byte must be among them.
  // `merges`: "left right" in the byte alphabet, first merge first.
  // `ignore_merges`: a piece that is a token as a whole becomes that token.
  static Result<BpeModel> create(TokenTable tokens, std::span<const std::string> merges,
                                 bool ignore_merges);

  // Appends the ids of `piece` (any bytes, at most kMaxPieceBytes).
  void encode_piece(std::string_view piece, BpeScratch& scratch,
                    std::vector<std::int32_t>& ids) const;

  const TokenTable& tokens() const { return tokens_; }

 private:
  BpeModel() = default;
  Status add_merges(std::span<const std::string> merges);
  void merge_short(std::string_view piece, std::vector<std::int32_t>& ids) const;
  void merge_long(std::string_view piece, BpeScratch& scratch,
                  std::vector<std::int32_t>& ids) const;
  void merge_pair(std::uint32_t place, BpeScratch& scratch) const;
  void look_up_merge(std::uint32_t place, BpeScratch& scratch) const;

  TokenTable tokens_;
  MergeTable merges_;
  std::array<std::int32_t, 256> id_of_byte_{};
  bool ignore_merges_ = false;
};

}  // namespace nemotron
