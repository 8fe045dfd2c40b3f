// The bytes of a source at one address for as long as the object lives: a file's pages, mapped
// read-only and shared, which all processes that map the file have once between them; or memory
// that a caller holds.
//
// Whoever maps vouches for the file: reading a page that is no longer in it raises SIGBUS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/result.h"

namespace nemotron {

class MappedBytes {
 public:
  // Of an open file of that many bytes; `name` is for messages. kFileRead where the file's system
  // cannot map, kOutOfMemory without room for addresses.
  static Result<std::shared_ptr<const MappedBytes>> of_file(int descriptor,
                                                            std::uint64_t size_bytes,
                                                            std::string name);
  // Borrowed: they must outlive it.
  static std::shared_ptr<const MappedBytes> of_memory(std::span<const std::byte> bytes,
                                                      std::string name);
  ~MappedBytes();
  MappedBytes(const MappedBytes&) = delete;
  MappedBytes& operator=(const MappedBytes&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

  // Reads a part that lies inside from the disk, unless it is in memory already, so that whoever
  // uses it next need not wait. kFileRead, and no signal, where that fails or the file no longer
  // has it; only on Linux 5.14 or later. Any thread.
  Status bring_in(std::uint64_t offset, std::uint64_t size_bytes) const;

 private:
  MappedBytes(std::span<const std::byte> bytes, std::string name)
      : bytes_(bytes), name_(std::move(name)) {}

  std::span<const std::byte> bytes_;
  std::string name_;
  bool is_file_ = false;  // a mapping of our own
};

}  // namespace nemotron
