#include "bpe/unicode_classes.h"

namespace nemotron {

namespace {

#include "bpe/unicode_tables.inc"

constexpr bool is_continuation(unsigned char byte) { return (byte & 0xC0u) == 0x80u; }

// Bytes of the character that `lead` opens, 0 if it opens none.
constexpr std::uint32_t length_of(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

}  // namespace

CharClass class_of(std::uint32_t code_point) {
  if (code_point > 0x10FFFF) return CharClass::kOther;
  // The index ends where its last entry begins to stand for all that follow.
  const std::uint32_t entry = code_point / kBlockPoints;
  const std::uint32_t block = kBlockOfIndex[entry < kIndexSize ? entry : kIndexSize - 1];
  const std::uint64_t word = kBlockWords[block][code_point % kBlockPoints / 16];
  return static_cast<CharClass>((word >> (code_point % 16 * 4)) & 0xFu);
}

DecodedChar decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  constexpr DecodedChar kInvalid{kNoCodePoint, 1};
  const std::uint32_t n_bytes = length_of(byte(0));
  if (n_bytes == 1) return {byte(0), 1};
  if (n_bytes == 0 || n_bytes > text.size()) return kInvalid;
  std::uint32_t code_point = byte(0) & (0xFFu >> (n_bytes + 1));
  for (std::uint32_t i = 1; i < n_bytes; ++i) {
    if (!is_continuation(byte(i))) return kInvalid;
    code_point = code_point << 6 | (byte(i) & 0x3Fu);
  }
  constexpr std::uint32_t kSmallest[5] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < kSmallest[n_bytes] || code_point > 0x10FFFF || is_surrogate) return kInvalid;
  return {code_point, n_bytes};
}

}  // namespace nemotron
