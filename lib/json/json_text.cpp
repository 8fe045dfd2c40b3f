#include "json/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "json/json_value.h"

namespace nemotron {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kNamed = "\"\\\b\f\n\r\t";
  constexpr std::string_view kNames = "\"\\bfnrt";
  const std::size_t i = kNamed.find(c);
  if (i != kNamed.npos) {
    out += {'\\', kNames[i]};
  } else if (static_cast<unsigned char>(c) < 0x20) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    out += {'\\', 'u', '0', '0', kDigits[byte >> 4], kDigits[byte & 15]};
  } else {
    out += c;
  }
}

// One level further to the right; line breaks inside strings are escaped.
std::string indented(std::string_view json) {
  std::string out;
  for (const char c : json) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out;
}

std::string enclose(char open, char close, std::span<const std::string> items, JsonStyle style) {
  const bool is_indented = style == JsonStyle::kIndented && !items.empty();
  std::string out(1, open);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ',';
    out += is_indented ? "\n  " + items[i] : items[i];
  }
  if (is_indented) out += '\n';
  return out + close;
}

// A walk over text that is known to be JSON, or nearly: it is never left.
class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text) {}

  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // To the end of a string or of a value, whose text it gives.
  std::string_view string() {
    skip_space();
    const std::size_t begin = at_;
    skip_string();
    return text_.substr(begin, at_ - begin);
  }
  std::string_view value() {
    skip_space();
    const std::size_t begin = at_;
    for (int depth = 0; at_ < text_.size();) {
      const char c = text_[at_];
      if (depth == 0 && (c == ',' || c == '}' || c == ']')) break;
      depth += (c == '{' || c == '[') - (c == '}' || c == ']');
      if (c == '"') {
        skip_string();
      } else {
        ++at_;
      }
    }
    const std::string_view found = text_.substr(begin, at_ - begin);
    return found.substr(0, found.find_last_not_of(kSpace) + 1);
  }

 private:
  void skip_space() { at_ = std::min(text_.find_first_not_of(kSpace, at_), text_.size()); }
  void skip_string() {
    while (++at_ < text_.size() && text_[at_] != '"')
      if (text_[at_] == '\\') ++at_;
    at_ = std::min(at_ + 1, text_.size());
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::string json_of(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) append_escaped(out, c);
  return out + '"';
}

std::string json_of(double number) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), number).ptr;
  std::string out(digits.begin(), end);
  return out.find_first_of(".e") == out.npos ? out + ".0" : out;
}

std::string json_array(std::span<const std::string> items, JsonStyle style) {
  if (style == JsonStyle::kOneLine) return enclose('[', ']', items, style);
  std::vector<std::string> inner;
  for (const std::string& item : items) inner.push_back(indented(item));
  return enclose('[', ']', inner, style);
}

Result<JsonObject> JsonObject::read(std::string_view text) {
  NEMO_ASSIGN(const JsonValue document, parse_json(text));
  if (!document.is_object()) return Status{StatusCode::kInvalidJson, "this is no JSON object"};
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Walk walk(text);
  JsonObject out;
  bool is_open = walk.take('{') && !walk.take('}');
  while (is_open) {
    NEMO_ASSIGN(const JsonValue key, parse_json(walk.string()));
    NEMO_ASSIGN(std::string name, key.to_string("a key"));
    if (!walk.take(':')) return Status{StatusCode::kInvalidJson, "a key has no value"};
    out.members_.emplace_back(std::move(name), walk.value());
    is_open = walk.take(',');
  }
  return out;
}

void JsonObject::set(std::string_view key, std::string value) {
  value = indented(value);
  const auto member = std::ranges::find(members_, key, [](const auto& m) { return m.first; });
  if (member == members_.end()) {
    members_.emplace_back(key, std::move(value));
  } else {
    member->second = std::move(value);
  }
}

void JsonObject::remove(std::string_view key) {
  std::erase_if(members_, [&](const auto& member) { return member.first == key; });
}

std::string JsonObject::text(JsonStyle style) const {
  std::vector<std::string> items;
  const char* const colon = style == JsonStyle::kIndented ? ": " : ":";
  for (const auto& [key, value] : members_) items.push_back(join(json_of(key), colon, value));
  return enclose('{', '}', items, style);
}

}  // namespace nemotron
