// A source over bytes that the caller holds, and read_all, which works on any source.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "io/data_source.h"

namespace nemotron {
namespace {

class MemorySource final : public DataSource {
 public:
  MemorySource(std::string name, std::span<const std::byte> bytes)
      : name_(std::move(name)), bytes_(bytes) {}

  const std::string& name() const override { return name_; }
  std::uint64_t size_bytes() const override { return bytes_.size(); }

  Status read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset)
      return {StatusCode::kBadFile,
              join("'", name_, "' ends at byte ", bytes_.size(), ", before the ", out.size(),
                   " bytes expected at ", offset),
              static_cast<std::int64_t>(std::min<std::uint64_t>(offset, bytes_.size()))};
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return Status::ok();
  }

  Result<std::shared_ptr<const MappedBytes>> map() const override {
    return MappedBytes::of_memory(bytes_, name_);
  }
  Status check_unchanged() const override { return Status::ok(); }

 private:
  std::string name_;
  std::span<const std::byte> bytes_;
};

}  // namespace

std::unique_ptr<DataSource> memory_source(std::string name, std::span<const std::byte> bytes) {
  return std::make_unique<MemorySource>(std::move(name), bytes);
}

Result<std::string> read_all(const DataSource& source, std::uint64_t max_bytes) {
  if (source.size_bytes() > max_bytes)
    return Status{StatusCode::kBadFile, join("'", source.name(), "' has ", source.size_bytes(),
                                             " bytes, more than the ", max_bytes, " allowed")};
  std::string text(static_cast<std::size_t>(source.size_bytes()), '\0');
  NEMO_TRY(source.read_at(0, std::as_writable_bytes(std::span<char>(text.data(), text.size()))));
  return text;
}

}  // namespace nemotron
