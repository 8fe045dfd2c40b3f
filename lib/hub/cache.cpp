// Paths, links and questions of the cache. Paths are made of names that were checked (names.h).
#include "hub/cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "hub/names.h"
#include "io/data_source.h"
#include "io/output_file.h"
#include "io/paths.h"

namespace nemotron::hub {
namespace {

namespace fs = std::filesystem;

Status cannot(std::string_view what, const std::string& path, const std::error_code& error) {
  return {StatusCode::kFileWrite, join("cannot ", what, " '", path, "': ", error.message())};
}

Status make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  return error ? cannot("make the folder", path, error) : Status::ok();
}

// The size of a regular file, links followed.
std::optional<std::uint64_t> file_size(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(info.st_size);
}

std::string megabytes(std::uint64_t bytes) {
  constexpr std::uint64_t kMegabyte = 1000000;
  return join(bytes / kMegabyte + (bytes % kMegabyte != 0 ? 1 : 0), " MB");
}

// "../../blobs/HASH", with one more "../" for each folder that the path goes down.
std::string link_target(const RepoFile& file) {
  std::string target = "../../";
  for (const char c : file.path)
    if (c == '/') target += "../";
  return join(target, "blobs/", file.hash);
}

// Where links cannot be made the file itself goes to its place, as huggingface_hub does it.
bool has_no_links(int error) {
  return error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EACCES;
}

}  // namespace

Cache::Cache(std::string folder, const std::string& repo) : folder_(std::move(folder)) {
  std::string name = "models--" + repo;
  if (const std::size_t slash = name.find('/'); slash != std::string::npos)
    name.replace(slash, 1, "--");
  repo_folder_ = join_path(folder_, name);
  lock_folder_ = join_path(folder_, ".locks/" + name);
}

std::string Cache::blob(const std::string& hash) const {
  return join(repo_folder_, "/blobs/", hash);
}
std::string Cache::partial_blob(const std::string& hash) const {
  return blob(hash) + ".incomplete";
}
std::string Cache::lock(const std::string& hash) const {
  return join(lock_folder_, "/", hash, ".lock");
}
std::string Cache::file(const std::string& commit, const std::string& path) const {
  return join(repo_folder_, "/snapshots/", commit, "/", path);
}

Status Cache::make_folders() const {
  NEMO_TRY(make_folder(repo_folder_ + "/blobs"));
  return make_folder(lock_folder_);
}

std::string Cache::read_ref(const std::string& revision) const {
  const auto source = open_file(join(repo_folder_, "/refs/", revision));
  if (!source.is_ok()) return {};
  auto text = read_all(*source.value(), /*max_bytes=*/64);
  if (!text.is_ok()) return {};
  std::string commit = std::move(text).value();
  while (!commit.empty() && commit.back() == '\n') commit.pop_back();
  return is_commit(commit) ? commit : std::string();
}

Status Cache::write_ref(const std::string& revision, const std::string& commit) const {
  if (revision == commit || read_ref(revision) == commit) return Status::ok();
  const std::string path = join(repo_folder_, "/refs/", revision);
  NEMO_TRY(make_folder(parent_directory(path)));
  return write_file(path, commit);
}

std::vector<RepoFile> Cache::list_snapshot(const std::string& commit) const {
  const fs::path root = join(repo_folder_, "/snapshots/", commit);
  std::vector<RepoFile> files;
  std::error_code error;
  // Folders that are links are not entered.
  for (fs::recursive_directory_iterator it(root, error), end; !error && it != end;
       it.increment(error)) {
    const auto size = file_size(it->path().string());
    if (!size) continue;
    RepoFile file;
    file.path = it->path().lexically_relative(root).generic_string();
    file.size_bytes = *size;
    files.push_back(std::move(file));
  }
  return files;
}

bool Cache::has_file(const std::string& commit, const RepoFile& repo_file) const {
  return file_size(file(commit, repo_file.path)) == repo_file.size_bytes;
}

bool Cache::has_blob(const RepoFile& repo_file) const {
  return file_size(blob(repo_file.hash)) == repo_file.size_bytes;
}

std::uint64_t Cache::present_bytes(const RepoFile& repo_file) const {
  if (has_blob(repo_file)) return repo_file.size_bytes;
  const std::uint64_t size = file_size(partial_blob(repo_file.hash)).value_or(0);
  return size <= repo_file.size_bytes ? size : 0;
}

Status Cache::link_file(const std::string& commit, const RepoFile& repo_file) const {
  const std::string path = file(commit, repo_file.path);
  NEMO_TRY(make_folder(parent_directory(path)));
  const std::string target = link_target(repo_file);
  // Made under another name and renamed: nobody sees the path without a file.
  const std::string temporary =
      join(parent_directory(path), "/.", repo_file.hash.substr(0, 16), ".", ::getpid(), ".link");
  ::unlink(temporary.c_str());
  if (::symlink(target.c_str(), temporary.c_str()) == 0) {
    if (::rename(temporary.c_str(), path.c_str()) == 0) return Status::ok();
    const int error = errno;
    ::unlink(temporary.c_str());
    return cannot("link", path, {error, std::generic_category()});
  }
  if (!has_no_links(errno)) return cannot("link", path, {errno, std::generic_category()});
  if (::rename(blob(repo_file.hash).c_str(), path.c_str()) == 0) return Status::ok();
  return cannot("move a file to", path, {errno, std::generic_category()});
}

Status Cache::check_room(std::uint64_t size_bytes) const {
  std::error_code error;
  const fs::space_info space = fs::space(repo_folder_, error);
  // A file system that does not say is found full when it is.
  if (error || space.available == static_cast<std::uintmax_t>(-1) || space.available >= size_bytes)
    return Status::ok();
  return {StatusCode::kFileWrite,
          join("the download needs ", megabytes(size_bytes), ", and ", megabytes(space.available),
               " are free in '", folder_, "' (HF_HUB_CACHE chooses another place)")};
}

}  // namespace nemotron::hub
