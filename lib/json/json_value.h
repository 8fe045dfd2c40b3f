// A parsed JSON document, for configuration files: a small tree with typed getters whose errors
// name the key and what was expected. Not meant for a 131k-entry vocabulary (read that with SAX).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nemotron {

struct JsonMember;

class JsonValue {
 public:
  enum class Kind : std::uint8_t { kNull, kBoolean, kInteger, kNumber, kString, kArray, kObject };

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_array() const { return kind_ == Kind::kArray; }
  bool is_object() const { return kind_ == Kind::kObject; }
  bool is_string() const { return kind_ == Kind::kString; }
  std::string_view kind_name() const;  // "an object", "a string", ... for messages

  // The member `key` of an object; nullptr where there is none or this is no object.
  const JsonValue* find(std::string_view key) const;
  // The elements of an array; empty for every other kind.
  const std::vector<JsonValue>& items() const { return items_; }
  // The members of an object, sorted by key; empty for every other kind.
  const std::vector<JsonMember>& members() const { return members_; }

  // kInvalidJson, naming `name`, when the value is of another kind. A number that is an integer may
  // be read as either; Infinity (which Python's json module writes) is a number.
  Result<bool> to_bool(std::string_view name) const;
  Result<std::int64_t> to_integer(std::string_view name) const;
  Result<double> to_number(std::string_view name) const;
  Result<std::string> to_string(std::string_view name) const;

 private:
  friend class JsonTreeBuilder;

  Status wrong_kind(std::string_view name, std::string_view expected) const;

  Kind kind_ = Kind::kNull;
  bool boolean_ = false;
  std::int64_t integer_ = 0;  // kInteger
  double number_ = 0;         // kInteger and kNumber
  std::string text_;
  std::vector<JsonValue> items_;
  std::vector<JsonMember> members_;
};

struct JsonMember {
  std::string key;
  JsonValue value;
};

struct JsonLimits {
  std::size_t max_depth = 64;
  std::size_t max_values = 200000;  // a tree costs about 130 bytes per value
};

// kInvalidJson with the byte offset: a syntax error, a key given twice, or a limit passed.
Result<JsonValue> parse_json(std::string_view text, const JsonLimits& limits = {});

}  // namespace nemotron
