// xxHash, compiled into this file alone.
#include "io/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace nemotron {

struct Checksum::State {
  XXH3_state_t xxh3;  // aligned to 64 bytes
};

Checksum::Checksum() : state_(std::make_unique<State>()) {
  XXH3_INITSTATE(&state_->xxh3);
  XXH3_64bits_reset(&state_->xxh3);
}
Checksum::~Checksum() = default;
Checksum::Checksum(Checksum&&) noexcept = default;
Checksum& Checksum::operator=(Checksum&&) noexcept = default;

void Checksum::update(std::span<const std::byte> bytes) {
  if (!bytes.empty()) XXH3_64bits_update(&state_->xxh3, bytes.data(), bytes.size());
}

std::uint64_t Checksum::digest() const { return XXH3_64bits_digest(&state_->xxh3); }

std::uint64_t checksum_of(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace nemotron
