// Look-ups and conversions of JsonValue; parsing is json_parser.cpp.
#include "json/json_value.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace nemotron {

std::string_view JsonValue::kind_name() const {
  switch (kind_) {
    case Kind::kNull:
      return "null";
    case Kind::kBoolean:
      return "a boolean";
    case Kind::kInteger:
      return "an integer";
    case Kind::kNumber:
      return "a number";
    case Kind::kString:
      return "a string";
    case Kind::kArray:
      return "an array";
    case Kind::kObject:
      return "an object";
  }
  return "an unknown value";
}

const JsonValue* JsonValue::find(std::string_view key) const {
  const auto member = std::lower_bound(
      members_.begin(), members_.end(), key,
      [](const JsonMember& left, std::string_view right) { return left.key < right; });
  return member != members_.end() && member->key == key ? &member->value : nullptr;
}

Status JsonValue::wrong_kind(std::string_view name, std::string_view expected) const {
  return {StatusCode::kInvalidJson,
          join("'", name, "' should be ", expected, " and is ", kind_name())};
}

Result<bool> JsonValue::to_bool(std::string_view name) const {
  if (kind_ != Kind::kBoolean) return wrong_kind(name, "a boolean");
  return boolean_;
}

Result<std::int64_t> JsonValue::to_integer(std::string_view name) const {
  if (kind_ == Kind::kInteger) return integer_;
  // 64.0 is an integer too; beyond 2^53 a double no longer says which one.
  if (kind_ == Kind::kNumber && number_ == std::trunc(number_) && std::fabs(number_) <= 0x1p53)
    return static_cast<std::int64_t>(number_);
  return wrong_kind(name, "an integer");
}

Result<double> JsonValue::to_number(std::string_view name) const {
  if (kind_ != Kind::kInteger && kind_ != Kind::kNumber) return wrong_kind(name, "a number");
  return number_;
}

Result<std::string> JsonValue::to_string(std::string_view name) const {
  if (kind_ != Kind::kString) return wrong_kind(name, "a string");
  return text_;
}

}  // namespace nemotron
