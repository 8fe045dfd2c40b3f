// What a repository holds at a revision, by the hub's API.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/client.h"
#include "hub/digest.h"
#include "hub/names.h"

namespace nemotron::hub {

struct RepoFile {
  std::string path;  // as the server says; check_file_path before it is used as one
  std::uint64_t size_bytes = 0;
  // What the bytes hash to, which is also the name of the file in the cache: the SHA-256 of a large
  // file (LFS), git's SHA-1 of a small one. Empty in lists of what is in the cache.
  std::string hash;
  bool is_large = false;
};

// The commit that the revision stands for now; a commit stands for itself, and nobody is asked.
Result<std::string> find_commit(Client& client, const ModelName& name);

// All files of a commit, sorted by path, from as many pages as there are. kBadFile.
Result<std::vector<RepoFile>> list_files(Client& client, const std::string& repo,
                                         const std::string& commit);

// One page of the list, as JSON.
Status parse_file_list(std::string_view json, std::vector<RepoFile>& files);

// The URL of a file's bytes.
std::string file_url(const Settings& settings, const std::string& repo, const std::string& commit,
                     const std::string& path);

}  // namespace nemotron::hub
