// The sentences for what the system refused to do with a file: cannot_read("open", path, errno).
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "base/status.h"
#include "base/text.h"

namespace nemotron {

inline std::string cannot(std::string_view what, std::string_view path, int error) {
  return join("cannot ", what, " '", path, "': ", std::generic_category().message(error));
}

// kFileNotFound where nothing lies at the path, else kFileRead.
inline Status cannot_read(std::string_view what, std::string_view path, int error,
                          std::int64_t byte_offset = -1) {
  const bool is_missing = error == ENOENT || error == ENOTDIR;
  return {is_missing ? StatusCode::kFileNotFound : StatusCode::kFileRead, cannot(what, path, error),
          byte_offset};
}

inline Status cannot_write(std::string_view what, std::string_view path, int error) {
  return {StatusCode::kFileWrite, cannot(what, path, error)};
}

}  // namespace nemotron
