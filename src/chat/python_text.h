// How Python writes values as text, because the chat format is defined by a Jinja template that
// Python runs: str(), repr(), json.dumps() and str.strip().
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "chat/caller_json.h"

namespace nemotron {

// kInvalidUtf8 with the byte offset, naming `name`.
Status check_utf8(std::string_view text, std::string_view name);

// str.strip(): without the Unicode white space at both ends. `text` is valid UTF-8.
std::string_view python_strip(std::string_view text);

// str(value): strings as they are, True, None, 1.0, ['a', None], {'a': 1}.
std::string python_str(const CallerJson& value);

// json.dumps(value, ensure_ascii=False): separators ", " and ": ".
std::string python_json(const CallerJson& value);

// repr(value) of a float: the shortest digits that read back the same; 1.0, 1e-05, 1e+16.
std::string python_float(double value);

}  // namespace nemotron
