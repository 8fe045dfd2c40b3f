// Two ways to the same ids: short pieces, nearly all there are, in small arrays that are searched
// anew for each merge; long ones in a linked list with a heap of merges, so that a megabyte without
// a blank costs n log n.
#include "bpe/bpe_model.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/text.h"
#include "bpe/byte_alphabet.h"

namespace nemotron {

namespace {

constexpr std::size_t kShortPieceBytes = 32;

// Heap entries order by rank, then by place; the smallest comes first.
std::uint64_t heap_entry(std::uint32_t rank, std::uint32_t place) {
  return static_cast<std::uint64_t>(rank) << 32 | place;
}

}  // namespace

Result<BpeModel> BpeModel::create(TokenTable tokens, std::span<const std::string> merges,
                                  bool ignore_merges) {
  BpeModel model;
  model.tokens_ = std::move(tokens);
  model.ignore_merges_ = ignore_merges;
  for (int byte = 0; byte < 256; ++byte) {
    const char bytes[1] = {static_cast<char>(byte)};
    model.id_of_byte_[byte] = model.tokens_.find({bytes, 1});
    if (model.id_of_byte_[byte] == TokenTable::kNone)
      return Status(StatusCode::kBadFile, join("the vocabulary has no token for byte ", byte));
  }
  NEMO_TRY(model.add_merges(merges));
  return model;
}

Status BpeModel::add_merges(std::span<const std::string> merges) {
  if (merges.size() >= Merge::kNoRank)
    return Status(StatusCode::kBadFile, join("too many merges: ", merges.size()));
  merges_ = MergeTable(merges.size());
  std::string left, right;
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const std::string_view text = merges[i];
    const std::size_t blank = text.find(' ');
    if (blank == text.npos || !bytes_from_alphabet(text.substr(0, blank), left) ||
        !bytes_from_alphabet(text.substr(blank + 1), right))
      return Status(
          StatusCode::kBadFile,
          join("merge ", i, " is not two tokens of the byte alphabet with a blank between"));
    const std::int32_t left_id = tokens_.find(left);
    const std::int32_t right_id = tokens_.find(right);
    const std::int32_t merged_id = tokens_.find(left + right);
    if (left_id < 0 || right_id < 0 || merged_id < 0)
      return Status(StatusCode::kBadFile, join("merge ", i, ": ",
                                               left_id < 0    ? "its left part"
                                               : right_id < 0 ? "its right part"
                                                              : "its result",
                                               " is not in the vocabulary"));
    if (!merges_.insert(left_id, right_id, {static_cast<std::uint32_t>(i), merged_id}))
      return Status(StatusCode::kBadFile,
                    join("merge ", i,
                         merges_.is_crowded() ? ": too many of the merges have the same hash"
                                              : " repeats an earlier one"));
  }
  return Status::ok();
}

void BpeModel::encode_piece(std::string_view piece, BpeScratch& scratch,
                            std::vector<std::int32_t>& ids) const {
  if (piece.empty()) return;
  if (ignore_merges_) {
    const std::int32_t whole = tokens_.find(piece);
    if (whole != TokenTable::kNone) {
      ids.push_back(whole);
      return;
    }
  }
  if (piece.size() <= kShortPieceBytes) {
    merge_short(piece, ids);
  } else {
    merge_long(piece, scratch, ids);
  }
}

void BpeModel::merge_short(std::string_view piece, std::vector<std::int32_t>& ids) const {
  std::int32_t symbols[kShortPieceBytes];
  Merge merges[kShortPieceBytes];  // merges[i]: of symbols i and i + 1
  std::size_t n = piece.size();
  for (std::size_t i = 0; i < n; ++i)
    symbols[i] = id_of_byte_[static_cast<unsigned char>(piece[i])];
  for (std::size_t i = 0; i + 1 < n; ++i) merges[i] = merges_.find(symbols[i], symbols[i + 1]);
  while (n > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < n; ++i)
      if (merges[i].rank < merges[best].rank) best = i;
    if (merges[best].rank == Merge::kNoRank) break;
    symbols[best] = merges[best].id;
    std::copy(symbols + best + 2, symbols + n, symbols + best + 1);
    std::copy(merges + best + 1, merges + n - 1, merges + best);
    --n;
    if (best > 0) merges[best - 1] = merges_.find(symbols[best - 1], symbols[best]);
    if (best + 1 < n) merges[best] = merges_.find(symbols[best], symbols[best + 1]);
  }
  ids.insert(ids.end(), symbols, symbols + n);
}

// Sets the merge of the symbol at `place` with its next one, and offers it to the heap.
void BpeModel::look_up_merge(std::uint32_t place, BpeScratch& scratch) const {
  BpeScratch::Symbol& symbol = scratch.symbols[place];
  symbol.merge = {};
  if (symbol.next == BpeScratch::kNoSymbol) return;
  symbol.merge = merges_.find(symbol.id, scratch.symbols[symbol.next].id);
  if (symbol.merge.rank == Merge::kNoRank) return;
  scratch.heap.push_back(heap_entry(symbol.merge.rank, place));
  std::push_heap(scratch.heap.begin(), scratch.heap.end(), std::greater<>());
}

// Merges the symbol at `place` with its next one, which leaves the list.
void BpeModel::merge_pair(std::uint32_t place, BpeScratch& scratch) const {
  BpeScratch::Symbol& symbol = scratch.symbols[place];
  BpeScratch::Symbol& swallowed = scratch.symbols[symbol.next];
  symbol.id = symbol.merge.id;
  symbol.next = swallowed.next;
  swallowed.merge = {};  // what the heap still holds of it is stale
  if (symbol.next != BpeScratch::kNoSymbol) scratch.symbols[symbol.next].previous = place;
  look_up_merge(place, scratch);
  if (symbol.previous != BpeScratch::kNoSymbol) look_up_merge(symbol.previous, scratch);
}

void BpeModel::merge_long(std::string_view piece, BpeScratch& scratch,
                          std::vector<std::int32_t>& ids) const {
  const auto n = static_cast<std::uint32_t>(piece.size());
  scratch.symbols.resize(n);
  scratch.heap.clear();
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::int32_t id = id_of_byte_[static_cast<unsigned char>(piece[i])];
    scratch.symbols[i] = {id, i - 1, i + 1 < n ? i + 1 : BpeScratch::kNoSymbol, {}};
  }
  for (std::uint32_t i = 0; i < n; ++i) look_up_merge(i, scratch);
  while (!scratch.heap.empty()) {
    std::pop_heap(scratch.heap.begin(), scratch.heap.end(), std::greater<>());
    const std::uint64_t entry = scratch.heap.back();
    scratch.heap.pop_back();
    const auto place = static_cast<std::uint32_t>(entry);
    // An entry is stale when the pair at its place has become another one since.
    if (scratch.symbols[place].merge.rank == entry >> 32) merge_pair(place, scratch);
  }
  for (std::uint32_t i = 0; i != BpeScratch::kNoSymbol; i = scratch.symbols[i].next)
    ids.push_back(scratch.symbols[i].id);
}

}  // namespace nemotron
