// POSIX answers to the questions of paths.h.
#include "io/paths.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "base/text.h"

namespace nemotron {
namespace {
bool has_mode(const std::string& path, mode_t kind) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && (info.st_mode & S_IFMT) == kind;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
}  // namespace

bool is_directory(const std::string& path) { return has_mode(path, S_IFDIR); }
bool is_regular_file(const std::string& path) { return has_mode(path, S_IFREG); }

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
  if (directory == nullptr) {
    const int error = errno;
    return Status{error == ENOENT ? StatusCode::kFileNotFound : StatusCode::kFileRead,
                  join("cannot list '", path, "': ", std::generic_category().message(error))};
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace nemotron
