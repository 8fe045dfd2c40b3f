// The list of tools in the system turn of the Nemotron 3 chat format.
#pragma once

#include <string_view>

#include "base/status.h"
#include "chat/caller_json.h"
#include "chat/prompt_writer.h"

namespace nemotron {

// `tools` is an array of {"type": "function", "function": {...}} or of the inner objects.
// kInvalidJson where it is not; otherwise an unusual schema is written as the template writes it.
Status write_tools_block(const CallerJson& tools, PromptWriter& writer);

// The object "function" of a tool or call, or the object itself where there is none.
// kInvalidJson unless it is an object with a string "name"; `name` says which one it is.
Result<const CallerJson*> function_of(const CallerJson& entry, std::string_view name);

// A mapping or a list as JSON, everything else as Python's str().
std::string format_value(const CallerJson& value);

}  // namespace nemotron
