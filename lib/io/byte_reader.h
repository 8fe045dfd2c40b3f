// Sequential little-endian reading of a file's header through a small buffer. Every read is checked
// against the end of the source first, so a count in a file never decides an allocation by itself.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/status.h"
#include "io/data_source.h"

namespace nemotron {

static_assert(std::endian::native == std::endian::little, "model files are read as they lie");

class ByteReader {
 public:
  // The source must outlive the reader.
  explicit ByteReader(const DataSource& source, std::uint64_t offset_bytes = 0);

  std::uint64_t offset() const { return window_start_ + position_; }
  std::uint64_t remaining() const { return source_.size_bytes() - offset(); }

  // All: kBadFile with the offset when the source ends before.
  Status read_bytes(std::span<std::byte> out);
  Status append_bytes(std::uint64_t n_bytes, std::string& out);
  Status skip(std::uint64_t n_bytes);

  template <typename T>
  requires(std::is_arithmetic_v<T>) Status read_number(T& out) {
    std::array<std::byte, sizeof(T)> bytes;
    NEMO_TRY(read_bytes(bytes));
    out = std::bit_cast<T>(bytes);
    return Status::ok();
  }

 private:
  Status ends_early(std::uint64_t n_bytes) const;

  const DataSource& source_;
  std::vector<std::byte> window_;   // bytes of the source from window_start_
  std::uint64_t window_start_ = 0;  // window_start_ + window_.size() <= source size
  std::size_t position_ = 0;        // the next byte, in window_
};

}  // namespace nemotron
