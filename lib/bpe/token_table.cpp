#include "bpe/token_table.h"

#include <algorithm>
#include <bit>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace nemotron {

namespace {

std::uint64_t hash_of(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

}  // namespace

void TokenTable::reserve(std::size_t n_tokens, std::size_t n_bytes) {
  blob_.reserve(n_bytes);
  ends_.reserve(n_tokens + 1);
  slots_.assign(std::bit_ceil(2 * n_tokens + 2), Slot{});
}

void TokenTable::append(std::string_view bytes) {
  blob_.append(bytes);
  ends_.push_back(blob_.size());
}

// The slot that holds these bytes, or the free slot where they belong.
std::size_t TokenTable::slot_of(std::string_view wanted, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  while (slots_[slot].id != kNone &&
         (slots_[slot].tag != tag_of(hash) || bytes(slots_[slot].id) != wanted))
    slot = (slot + 1) & mask;
  return slot;
}

void TokenTable::grow() {
  std::vector<Slot> old(std::max<std::size_t>(16, 2 * slots_.size()));
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.id == kNone) continue;
    const std::string_view token = bytes(slot.id);
    slots_[slot_of(token, hash_of(token))] = slot;
  }
}

bool TokenTable::make_findable(std::int32_t id) {
  if (2 * (n_findable_ + 1) > slots_.size()) grow();
  const std::string_view token = bytes(id);
  const std::uint64_t hash = hash_of(token);
  const std::size_t slot = slot_of(token, hash);
  if (token.empty() || slots_[slot].id != kNone || is_crowded()) return false;
  displacement_ += (slot - hash) & (slots_.size() - 1);
  slots_[slot] = {tag_of(hash), id};
  ++n_findable_;
  longest_findable_ = std::max(longest_findable_, token.size());
  return true;
}

std::int32_t TokenTable::find(std::string_view wanted) const {
  if (slots_.empty() || wanted.size() > longest_findable_) return kNone;
  return slots_[slot_of(wanted, hash_of(wanted))].id;
}

}  // namespace nemotron
