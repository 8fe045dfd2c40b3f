// POSIX answers to the questions of paths.h.
#include "io/paths.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "io/system_error.h"

namespace nemotron {
namespace {
bool is_of_kind(const std::string& path, PathKind kind) {
  const auto found = kind_of(path);
  return found.is_ok() && found.value() == kind;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
}  // namespace

Result<PathKind> kind_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0)
    return S_ISREG(info.st_mode)   ? PathKind::kFile
           : S_ISDIR(info.st_mode) ? PathKind::kFolder
                                   : PathKind::kOther;
  if (errno == ENOENT || errno == ENOTDIR) return PathKind::kNothing;
  return cannot_read("look at", path, errno);
}

bool is_directory(const std::string& path) { return is_of_kind(path, PathKind::kFolder); }
bool is_regular_file(const std::string& path) { return is_of_kind(path, PathKind::kFile); }

std::string parent_directory(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string join_path(const std::string& directory, const std::string& name) {
  if (directory.empty()) return name;
  return directory.back() == '/' ? directory + name : directory + "/" + name;
}

std::string_view file_name_of(std::string_view path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (directory == nullptr) return cannot_read("list", path, errno);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;  // the end is no error, and only this tells them apart
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr && errno != 0) return cannot_read("list", path, errno);
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace nemotron
