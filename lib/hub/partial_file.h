// The bytes of a download so far: appended to a file beside the final one and hashed as they come.
// What an earlier try left is taken over, and hashed again, because nobody vouches for it. The
// final file appears whole and with the right hash, or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "hub/digest.h"
#include "hub/listing.h"

namespace nemotron::hub {

class PartialFile {
 public:
  // `file` says size and hash. Takes time: up to the whole file is read. kCancelled, kFileWrite.
  static Result<PartialFile> open(const std::string& path, const RepoFile& file,
                                  const std::function<bool()>& is_cancelled);
  ~PartialFile();
  PartialFile(PartialFile&& other) noexcept;
  PartialFile& operator=(PartialFile&&) = delete;

  std::uint64_t size_bytes() const { return size_bytes_; }
  bool is_whole() const { return size_bytes_ == file_->size_bytes; }

  // kBadFile when there would be more bytes than the file has; kFileWrite.
  Status append(std::span<const std::byte> bytes);
  // Begins again with nothing.
  Status restart();
  // Requires is_whole(). kBadFile for a wrong hash: the bytes are gone then. kFileWrite.
  Status finish(const std::string& final_path);

 private:
  PartialFile(std::string path, const RepoFile& file) : path_(std::move(path)), file_(&file) {}

  Status reopen(bool is_new);
  Status take_over(const std::function<bool()>& is_cancelled);

  std::string path_;
  const RepoFile* file_;
  int descriptor_ = -1;
  std::uint64_t size_bytes_ = 0;  // of it, written and hashed
  std::optional<Digest> digest_;
};

}  // namespace nemotron::hub
