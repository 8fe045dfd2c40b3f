// JSON put together as text, for files that are written. No tree is built: destroying one wants
// memory in some libraries, and it is destroyed where memory ran out, too.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace nemotron {

// Values as JSON. A string is UTF-8; a number is finite, a double in its shortest form.
std::string json_of(std::string_view text);
std::string json_of(double number);
inline std::string json_of(const char* text) { return json_of(std::string_view(text)); }
template <std::integral Integer>
std::string json_of(Integer number) {
  return std::to_string(number);
}
inline std::string json_of(bool value) { return value ? "true" : "false"; }
inline constexpr const char* kJsonNull = "null";

enum class JsonStyle : std::uint8_t { kOneLine, kIndented };  // by two spaces

// `items` are JSON.
std::string json_array(std::span<const std::string> items, JsonStyle style = JsonStyle::kIndented);

class JsonObject {
 public:
  // The members of a JSON text in their order, values as they are written there. kInvalidJson.
  static Result<JsonObject> read(std::string_view text);

  // `value` is JSON. In place of a member of that key, or behind all others.
  void set(std::string_view key, std::string value);
  void remove(std::string_view key);

  std::string text(JsonStyle style) const;

 private:
  std::vector<std::pair<std::string, std::string>> members_;
};

}  // namespace nemotron
