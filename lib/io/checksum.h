// XXH3 with 64 bits, over bytes that come piece by piece. It finds accidents; it is no defence
// against somebody who makes a file on purpose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace nemotron {

class Checksum {
 public:
  Checksum();
  ~Checksum();
  Checksum(Checksum&&) noexcept;
  Checksum& operator=(Checksum&&) noexcept;

  void update(std::span<const std::byte> bytes);
  // Of everything so far, as if it had come in one piece.
  std::uint64_t digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::uint64_t checksum_of(std::span<const std::byte> bytes);

}  // namespace nemotron
