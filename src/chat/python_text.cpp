// The writers are recursive; parse_caller_json limits the depth.
#include "chat/python_text.h"

#include <charconv>
#include <cmath>

#include "base/text.h"
#include "base/utf8.h"
#include "bpe/unicode_classes.h"

namespace nemotron {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// str.isspace() of one character.
bool is_python_space(std::uint32_t code_point) {
  if (code_point >= 0x1C && code_point <= 0x1F) return true;
  return class_of(code_point) == CharClass::kSpace;
}

// str.isprintable() of one character: exact for letters, marks, numbers and all of ASCII; of the
// rest, the separators, controls, format characters and private use areas are not printable, and
// unassigned code points are taken for symbols.
bool is_python_printable(std::uint32_t c) {
  if (c < 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0xAD) return false;
  if (c == 0x20) return true;
  const CharClass kind = class_of(c);
  if (kind == CharClass::kSpace) return false;
  if (kind != CharClass::kOther) return true;
  const bool is_format = (c >= 0x600 && c <= 0x605) || c == 0x61C || c == 0x6DD || c == 0x70F ||
                         c == 0x180E || (c >= 0x200B && c <= 0x200F) ||
                         (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) ||
                         c == 0xFEFF || (c >= 0xFFF0 && c <= 0xFFFB) ||
                         (c >= 0xE0000 && c <= 0xE007F);
  const bool is_private = (c >= 0xE000 && c <= 0xF8FF) || c >= 0xF0000;
  return !is_format && !is_private;
}

// \x.., \u.... or \U........, as repr() escapes a character that is not printable.
std::string python_escape(std::uint32_t code_point) {
  const int n_digits = code_point <= 0xFF ? 2 : code_point <= 0xFFFF ? 4 : 8;
  std::string out = code_point <= 0xFF ? "\\x" : code_point <= 0xFFFF ? "\\u" : "\\U";
  for (int shift = 4 * (n_digits - 1); shift >= 0; shift -= 4)
    out += kHexDigits[code_point >> shift & 0xF];
  return out;
}

// repr() of a string: single quotes, unless only those occur in it.
std::string python_quoted(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  while (!text.empty()) {
    const DecodedChar decoded = decode_utf8(text);
    const std::string_view bytes = text.substr(0, decoded.n_bytes);
    text.remove_prefix(decoded.n_bytes);
    const std::uint32_t c = decoded.code_point;
    if (c == '\\' || c == static_cast<unsigned char>(quote)) {
      out += '\\';
      out += bytes;
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (is_python_printable(c)) {
      out += bytes;
    } else {
      out += python_escape(c);
    }
  }
  return out += quote;
}

std::string json_quoted(std::string_view text) {
  constexpr std::string_view kEscaped = "\"\\\n\r\t\f\b";
  constexpr std::string_view kLetters = "\"\\nrtfb";
  std::string out = "\"";
  for (const char c : text) {
    const std::size_t found = kEscaped.find(c);
    if (found != std::string_view::npos) {
      out += '\\';
      out += kLetters[found];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += kHexDigits[c >> 4 & 0xF];
      out += kHexDigits[c & 0xF];
    } else {
      out += c;
    }
  }
  return out += '"';
}

// The words in which JSON and Python differ.
struct Notation {
  std::string_view null, yes, no;
  std::string (*quoted)(std::string_view text);
};
constexpr Notation kJsonNotation{"null", "true", "false", json_quoted};
constexpr Notation kPythonNotation{"None", "True", "False", python_quoted};

void write(std::string& out, const CallerJson& value, const Notation& notation) {
  switch (value.kind) {
    case CallerJson::Kind::kNull:
      out += notation.null;
      break;
    case CallerJson::Kind::kBoolean:
      out += value.boolean ? notation.yes : notation.no;
      break;
    case CallerJson::Kind::kInteger:
      out += value.text;
      break;
    case CallerJson::Kind::kFloat:
      out += python_float(value.number);
      break;
    case CallerJson::Kind::kString:
      out += notation.quoted(value.text);
      break;
    case CallerJson::Kind::kArray:
      out += '[';
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        if (i > 0) out += ", ";
        write(out, value.items[i], notation);
      }
      out += ']';
      break;
    case CallerJson::Kind::kObject:
      out += '{';
      for (std::size_t i = 0; i < value.members.size(); ++i) {
        if (i > 0) out += ", ";
        out += notation.quoted(value.members[i].key);
        out += ": ";
        write(out, value.members[i].value, notation);
      }
      out += '}';
      break;
  }
}

}  // namespace

Status check_utf8(std::string_view text, std::string_view name) {
  for (std::size_t i = 0; i < text.size();) {
    const DecodedChar decoded = decode_utf8(text.substr(i));
    if (decoded.code_point == kNoCodePoint)
      return {StatusCode::kInvalidUtf8, join(name, " is not valid UTF-8: the fault is at byte ", i),
              static_cast<std::int64_t>(i)};
    i += decoded.n_bytes;
  }
  return Status::ok();
}

std::string_view python_strip(std::string_view text) {
  while (!text.empty()) {
    const DecodedChar first = decode_utf8(text);
    if (!is_python_space(first.code_point)) break;
    text.remove_prefix(first.n_bytes);
  }
  while (!text.empty()) {
    std::size_t start = text.size() - 1;  // of the last character
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0u) == 0x80u) --start;
    if (!is_python_space(decode_utf8(text.substr(start)).code_point)) break;
    text = text.substr(0, start);
  }
  return text;
}

std::string python_float(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  // "-d.ddde-XX": the shortest digits, and the exponent that decides the notation.
  const auto scientific =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<std::size_t>(scientific.ptr - buffer));
  int exponent = 0;
  const char* digits = buffer + text.find('e') + 1;
  if (*digits == '+') ++digits;
  std::from_chars(digits, scientific.ptr, exponent);
  if (exponent < -4 || exponent >= 16) return std::string(text);

  const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  std::string out(buffer, fixed.ptr);
  if (out.find('.') == std::string::npos) out += ".0";
  return out;
}

std::string python_str(const CallerJson& value) {
  if (value.is_string()) return value.text;
  std::string out;
  write(out, value, kPythonNotation);
  return out;
}

std::string python_json(const CallerJson& value) {
  std::string out;
  write(out, value, kJsonNotation);
  return out;
}

}  // namespace nemotron
