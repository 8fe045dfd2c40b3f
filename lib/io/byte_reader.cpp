// The buffer of ByteReader: refilled from the current position whenever it runs dry.
#include "io/byte_reader.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace nemotron {
namespace {
constexpr std::uint64_t kWindowBytes = 1 << 17;
}

ByteReader::ByteReader(const DataSource& source, std::uint64_t offset_bytes)
    : source_(source), window_start_(std::min(offset_bytes, source.size_bytes())) {}

Status ByteReader::ends_early(std::uint64_t n_bytes) const {
  return {StatusCode::kBadFile,
          join("'", source_.name(), "' ends at byte ", source_.size_bytes(), ", before the ",
               n_bytes, " bytes expected at ", offset()),
          static_cast<std::int64_t>(offset())};
}

Status ByteReader::read_bytes(std::span<std::byte> out) {
  if (out.size() > remaining()) return ends_early(out.size());
  while (!out.empty()) {
    if (position_ == window_.size()) {
      window_start_ += position_;
      position_ = 0;
      window_.resize(std::min(kWindowBytes, source_.size_bytes() - window_start_));
      NEMO_TRY(source_.read_at(window_start_, window_));
    }
    const std::size_t n_bytes = std::min(out.size(), window_.size() - position_);
    std::memcpy(out.data(), window_.data() + position_, n_bytes);
    position_ += n_bytes;
    out = out.subspan(n_bytes);
  }
  return Status::ok();
}

Status ByteReader::append_bytes(std::uint64_t n_bytes, std::string& out) {
  if (n_bytes > remaining()) return ends_early(n_bytes);
  const std::size_t old_size = out.size();
  out.resize(old_size + n_bytes);
  return read_bytes(std::as_writable_bytes(std::span<char>(out.data() + old_size, n_bytes)));
}

Status ByteReader::skip(std::uint64_t n_bytes) {
  if (n_bytes > remaining()) return ends_early(n_bytes);
  if (n_bytes <= window_.size() - position_) {
    position_ += n_bytes;
    return Status::ok();
  }
  window_start_ = offset() + n_bytes;
  window_.clear();
  position_ = 0;
  return Status::ok();
}

}  // namespace nemotron
