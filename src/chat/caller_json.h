// JSON that a caller passes as text (tools, tool calls), as Python's json module would see it: the
// members of an object keep their order, integers have any number of digits. lib/json's JsonValue
// is for configuration files: it sorts members and narrows numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nemotron {

struct CallerMember;

struct CallerJson {
  enum class Kind : std::uint8_t { kNull, kBoolean, kInteger, kFloat, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  double number = 0;              // kFloat
  std::string text;               // kString: its value; kInteger: its digits
  std::vector<CallerJson> items;  // kArray
  std::vector<CallerMember>
      members;  // kObject: in order; of equal keys the last value, first place

  bool is_null() const { return kind == Kind::kNull; }
  bool is_string() const { return kind == Kind::kString; }
  bool is_array() const { return kind == Kind::kArray; }
  bool is_object() const { return kind == Kind::kObject; }

  // The member `key` of an object; nullptr where there is none or this is no object.
  const CallerJson* find(std::string_view key) const;
};

struct CallerMember {
  std::string key;
  CallerJson value;
};

inline constexpr std::size_t kMaxCallerJsonDepth = 128;

// kInvalidUtf8, or kInvalidJson with the byte offset, both naming `name`.
Result<CallerJson> parse_caller_json(std::string_view json, std::string_view name);

}  // namespace nemotron
