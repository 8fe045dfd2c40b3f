// A file that consists of a header and parts whose places are known before their bytes: each byte
// of a part is written exactly once, by any thread, and a file that lacks some does not appear.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/output_file.h"

namespace nemotron {

class OutputParts {
 public:
  struct Part {
    std::string name;  // for messages
    std::uint64_t offset_bytes = 0;
    std::uint64_t size_bytes = 0;
  };

  // A file of `size_bytes` that begins with `header`; the parts lie inside it. kFileWrite.
  static Result<std::unique_ptr<OutputParts>> create(const std::string& path,
                                                     std::uint64_t size_bytes,
                                                     std::span<const std::byte> header,
                                                     std::vector<Part> parts);

  const std::vector<Part>& parts() const { return parts_; }

  // Bytes of part `index`. Thread-safe. kFileWrite; kInternal behind the part's end.
  Status write(std::size_t index, std::uint64_t offset_bytes, std::span<const std::byte> bytes);

  // Makes the file appear. kInternal when bytes of a part are missing; kFileWrite.
  Status finish();

 private:
  OutputParts() = default;

  std::unique_ptr<OutputFile> file_;
  std::vector<Part> parts_;
  std::uint64_t total_bytes_ = 0;  // of all parts
  std::atomic<std::uint64_t> written_bytes_{0};
};

}  // namespace nemotron
