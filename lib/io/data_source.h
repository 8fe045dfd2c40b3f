// Where the bytes of a model come from: a file read with pread, or memory that the caller holds.
// A source maps a file only where it is told to: a file truncated under a mapping would raise
// SIGBUS in the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "io/mapped_bytes.h"

namespace nemotron {

class DataSource {
 public:
  virtual ~DataSource() = default;

  // For messages: the path, or the name given with a memory block.
  virtual const std::string& name() const = 0;
  virtual std::uint64_t size_bytes() const = 0;
  // Fills all of `out` from `offset`. kFileChanged if the bytes that the size promised are not
  // there. Thread-safe.
  virtual Status read_at(std::uint64_t offset, std::span<std::byte> out) const = 0;
  // All its bytes where they stay, independent of the source. As check_unchanged() and
  // MappedBytes::of_file().
  virtual Result<std::shared_ptr<const MappedBytes>> map() const = 0;
  // kFileChanged when the file has another size, or was written to, since it was opened.
  virtual Status check_unchanged() const = 0;
};

// kFileNotFound, kFileRead (a folder, no permission, ...).
Result<std::unique_ptr<DataSource>> open_file(const std::string& path);

// Borrows `bytes`, which must outlive the source.
std::unique_ptr<DataSource> memory_source(std::string name, std::span<const std::byte> bytes);

// The whole source as text. kBadFile when it is longer than `max_bytes`.
Result<std::string> read_all(const DataSource& source, std::uint64_t max_bytes);

}  // namespace nemotron
