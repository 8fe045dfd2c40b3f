#include "bpe/unicode_classes.h"

namespace nemotron {

namespace {

#include "bpe/unicode_tables.inc"

}  // namespace

CharClass class_of(std::uint32_t code_point) {
  if (code_point > 0x10FFFF) return CharClass::kOther;
  // The index ends where its last entry begins to stand for all that follow.
  const std::uint32_t entry = code_point / kBlockPoints;
  const std::uint32_t block = kBlockOfIndex[entry < kIndexSize ? entry : kIndexSize - 1];
  const std::uint64_t word = kBlockWords[block][code_point % kBlockPoints / 16];
  return static_cast<CharClass>((word >> (code_point % 16 * 4)) & 0xFu);
}

}  // namespace nemotron
