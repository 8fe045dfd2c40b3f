// Files and folders that appear under their name only when they are whole: written under a
// temporary name beside it, synced, renamed. What is not committed is removed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/descriptor.h"

namespace nemotron {

class OutputFile {
 public:
  // Removes what writers of this path left that were killed. Reserves `size_bytes` on the disk
  // where the file system can, so that a full disk is known before the work is done. kFileWrite.
  static Result<std::unique_ptr<OutputFile>> create(const std::string& path,
                                                    std::uint64_t size_bytes);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  const std::string& path() const { return path_; }

  // Writes all of `bytes`, which must lie inside the size given; what nobody writes is zero.
  // Thread-safe. kFileWrite.
  Status write_at(std::uint64_t offset, std::span<const std::byte> bytes);

  // Makes the file appear under its name, replacing an older one. Once, at the end. kFileWrite; the
  // file has appeared all the same when it is the folder that could not be synced.
  Status commit();

 private:
  OutputFile(std::string path, std::uint64_t size_bytes);

  std::string path_;
  std::string temporary_path_;  // empty before it is made and after commit
  Descriptor descriptor_;
  std::uint64_t size_bytes_;
};

// A whole file of few bytes.
Status write_file(const std::string& path, std::string_view text);

class OutputFolder {
 public:
  // kFileWrite when `path` exists, unless it is an empty folder.
  static Result<std::unique_ptr<OutputFolder>> create(const std::string& path);
  ~OutputFolder();  // removes the files in it, and it
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  std::string file(const std::string& name);  // where to write the file `name` of the folder
  Status commit();                            // as OutputFile::commit

 private:
  explicit OutputFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::string temporary_path_;      // empty after commit
  std::vector<std::string> files_;  // paths of what may be in it
};

}  // namespace nemotron
