// The cache that all users of the hub on a machine share, in the layout of the huggingface_hub
// package:
//   CACHE/models--ORG--NAME/blobs/HASH                    the bytes, under their hash
//   CACHE/models--ORG--NAME/snapshots/COMMIT/PATH         a relative link to a blob
//   CACHE/models--ORG--NAME/refs/REVISION                 the commit of a branch or tag
//   CACHE/.locks/models--ORG--NAME/HASH.lock              held (flock) by who downloads a blob
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "hub/listing.h"

namespace nemotron::hub {

class Cache {
 public:
  Cache(std::string folder, const std::string& repo);

  std::string blob(const std::string& hash) const;
  std::string partial_blob(const std::string& hash) const;  // what a download has so far
  std::string lock(const std::string& hash) const;
  std::string file(const std::string& commit, const std::string& path) const;

  // The folders for blobs and locks. kFileWrite.
  Status make_folders() const;

  // The commit that a revision stood for when somebody last asked the hub; empty: unknown.
  std::string read_ref(const std::string& revision) const;
  Status write_ref(const std::string& revision, const std::string& commit) const;

  // The files of a snapshot whose bytes are here, without hashes; empty for no snapshot.
  std::vector<RepoFile> list_snapshot(const std::string& commit) const;
  // Whether a file of a snapshot is here and as long as it should be.
  bool has_file(const std::string& commit, const RepoFile& file) const;
  bool has_blob(const RepoFile& file) const;
  // How many of the blob's bytes are here: all of them, those of a partial download, or none.
  std::uint64_t present_bytes(const RepoFile& file) const;

  // Makes the file of a snapshot show its blob. kFileWrite.
  Status link_file(const std::string& commit, const RepoFile& file) const;

  // kFileWrite when fewer than `size_bytes` bytes are free, with both numbers.
  Status check_room(std::uint64_t size_bytes) const;

 private:
  std::string folder_;
  std::string repo_folder_;  // CACHE/models--ORG--NAME
  std::string lock_folder_;
};

}  // namespace nemotron::hub
