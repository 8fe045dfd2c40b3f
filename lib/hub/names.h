// The names of the hub's protocol, checked before they become parts of a URL or of a path: what the
// user writes (ORG/NAME@REVISION:FILE) and what a server answers (file names, hashes). Both kinds
// are hostile input here.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace nemotron::hub {

struct ModelName {
  std::string repo;               // "org/name", or "name" alone
  std::string revision = "main";  // a branch, a tag or a commit
  std::string file = {};          // a file of it, or a word of a file's name; empty: what there is
};

// "hf:ORG/NAME@REVISION:FILE"; "hf:", revision and file may be left out. kInvalidArgument.
Result<ModelName> parse_model_name(std::string_view text);

// A file of a repository by its path there: relative, UTF-8, '/' between parts, none of them empty,
// "." or "..", no backslash, no control character. Such a path below a folder stays below it.
// kBadFile.
Status check_file_path(std::string_view path);

bool is_commit(std::string_view text);                           // 40 lower-case hex digits
bool is_lower_hex(std::string_view text, std::size_t n_digits);  // that many of them
bool is_valid_utf8(std::string_view text);

// For messages: at most 200 bytes, control characters and invalid UTF-8 replaced, so that a name
// from a server cannot steer the terminal.
std::string printable(std::string_view text);

}  // namespace nemotron::hub
