// Text to JsonValue over nlohmann's SAX interface: no exception leaves it, its parser keeps its own
// stack (no recursion), and depth and number of values are limited while reading.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/text.h"
#include "json/json_value.h"

namespace nemotron {
namespace {

// What an infinity is written as for nlohmann's lexer, which knows only standard JSON. As long as
// the word it replaces, so that offsets stay true.
constexpr std::string_view kInfinityWord = "Infinity";
constexpr std::string_view kInfinityNumber = "1.7e+308";
static_assert(kInfinityWord.size() == kInfinityNumber.size());
constexpr double kInfinityThreshold = 1.7e+308;

// Python's json module writes Infinity (outside strings) for an infinite float.
std::string replace_infinities(std::string_view text) {
  std::string out(text);
  bool in_string = false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (in_string && out[i] == '\\') {
      ++i;
    } else if (out[i] == '"') {
      in_string = !in_string;
    } else if (!in_string && out.compare(i, kInfinityWord.size(), kInfinityWord) == 0) {
      out.replace(i, kInfinityWord.size(), kInfinityNumber);
    }
  }
  return out;
}

}  // namespace

class JsonTreeBuilder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit JsonTreeBuilder(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return add({}); }
  bool boolean(bool value) override {
    JsonValue out;
    out.kind_ = JsonValue::Kind::kBoolean;
    out.boolean_ = value;
    return add(std::move(out));
  }
  bool number_integer(number_integer_t value) override {
    JsonValue out;
    out.kind_ = JsonValue::Kind::kInteger;
    out.integer_ = value;
    out.number_ = static_cast<double>(value);
    return add(std::move(out));
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value <= static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max()))
      return number_integer(static_cast<number_integer_t>(value));
    return number_float(static_cast<double>(value), {});
  }
  bool number_float(number_float_t value, const string_t&) override {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    JsonValue out;
    out.kind_ = JsonValue::Kind::kNumber;
    out.number_ = value >= kInfinityThreshold    ? kInfinity
                  : value <= -kInfinityThreshold ? -kInfinity
                                                 : value;
    return add(std::move(out));
  }
  bool string(string_t& value) override {
    JsonValue out;
    out.kind_ = JsonValue::Kind::kString;
    out.text_ = std::move(value);
    return add(std::move(out));
  }
  bool binary(binary_t&) override { return fail("binary data"); }

  bool start_object(std::size_t) override { return open(JsonValue::Kind::kObject); }
  bool start_array(std::size_t) override { return open(JsonValue::Kind::kArray); }
  bool key(string_t& value) override {
    open_.back().key = std::move(value);
    return true;
  }
  bool end_array() override { return close(); }
  bool end_object() override {
    auto& members = open_.back().value.members_;
    std::sort(members.begin(), members.end(),
              [](const JsonMember& left, const JsonMember& right) { return left.key < right.key; });
    const auto twice = std::adjacent_find(
        members.begin(), members.end(),
        [](const JsonMember& left, const JsonMember& right) { return left.key == right.key; });
    if (twice != members.end()) return fail(join("the key '", twice->key, "' is given twice"));
    return close();
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception& error) override {
    status_ = Status(StatusCode::kInvalidJson, error.what(), static_cast<std::int64_t>(position));
    return false;
  }

  Status take_status() { return std::move(status_); }
  JsonValue take_root() { return std::move(*root_); }

 private:
  struct Open {
    JsonValue value;
    std::string key;  // of the member being read
  };

  bool fail(std::string message) {
    status_ = Status(StatusCode::kInvalidJson, std::move(message));
    return false;
  }

  bool open(JsonValue::Kind kind) {
    if (open_.size() >= limits_.max_depth)
      return fail(join("nested more than ", limits_.max_depth, " deep"));
    if (++n_values_ > limits_.max_values)
      return fail(join("holds more than ", limits_.max_values, " values"));
    open_.emplace_back();
    open_.back().value.kind_ = kind;
    return true;
  }

  bool close() {
    JsonValue value = std::move(open_.back().value);
    open_.pop_back();
    --n_values_;  // counted by open() already
    return add(std::move(value));
  }

  bool add(JsonValue value) {
    if (++n_values_ > limits_.max_values)
      return fail(join("holds more than ", limits_.max_values, " values"));
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().value.is_array()) {
      open_.back().value.items_.push_back(std::move(value));
    } else {
      open_.back().value.members_.push_back({std::move(open_.back().key), std::move(value)});
    }
    return true;
  }

  JsonLimits limits_;
  std::size_t n_values_ = 0;
  std::vector<Open> open_;  // the arrays and objects around the current position
  std::optional<JsonValue> root_;
  Status status_;
};

Result<JsonValue> parse_json(std::string_view text, const JsonLimits& limits) {
  std::string replaced;
  if (text.find(kInfinityWord) != std::string_view::npos) {
    replaced = replace_infinities(text);
    text = replaced;
  }
  JsonTreeBuilder builder(limits);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) return builder.take_status();
  return builder.take_root();
}

}  // namespace nemotron
