// The few questions about paths that loading asks. UTF-8 in and out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nemotron {

enum class PathKind : std::uint8_t { kNothing, kFile, kFolder, kOther };
// What lies at a path, links followed. kFileRead when the system does not tell.
Result<PathKind> kind_of(const std::string& path);
// The same where an error is as good as another kind.
bool is_directory(const std::string& path);
bool is_regular_file(const std::string& path);
std::string parent_directory(const std::string& path);  // "." when there is none
std::string join_path(const std::string& directory, const std::string& name);
std::string_view file_name_of(std::string_view path);  // what follows the last '/'

// Names (not paths) of what lies in a folder, sorted, without "." and "..".
Result<std::vector<std::string>> list_directory(const std::string& path);

}  // namespace nemotron
