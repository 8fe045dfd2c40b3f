// The rules are those of the hub (repository names) and of git (revisions); for file paths they are
// stricter than git's.
#include "hub/names.h"

#include <algorithm>
#include <cstdint>

#include "base/text.h"

namespace nemotron::hub {
namespace {

constexpr std::size_t kMaxRepoBytes = 193;  // two parts of 96 and '/'
constexpr std::size_t kMaxPathBytes = 1024;
constexpr std::size_t kMaxPartBytes = 255;  // NAME_MAX of most file systems

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool is_repo_part(std::string_view part) {
  const auto is_allowed = [](char c) {
    return is_alphanumeric(c) || c == '.' || c == '-' || c == '_';
  };
  return !part.empty() && part.size() <= 96 && std::all_of(part.begin(), part.end(), is_allowed) &&
         (is_alphanumeric(part.front()) || part.front() == '_') && part.back() != '.' &&
         part.back() != '-';
}

Status check_repo(std::string_view repo) {
  const std::size_t slash = repo.find('/');
  const bool is_whole = slash == std::string_view::npos;
  if (repo.size() <= kMaxRepoBytes && repo.find("--") == std::string_view::npos &&
      repo.find("..") == std::string_view::npos && !repo.ends_with(".git") &&
      is_repo_part(repo.substr(0, slash)) && (is_whole || is_repo_part(repo.substr(slash + 1))))
    return Status::ok();
  return {StatusCode::kInvalidArgument,
          join("'", printable(repo), "' is no repository name like ORG/NAME")};
}

// The length of the UTF-8 sequence at the beginning of `text`; 0 when there is no valid one.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0u) != 0x80u) return 0;
  const unsigned second = byte(1);  // overlong forms, surrogates, beyond U+10FFFF
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
      (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
    return 0;
  return length;
}

// nullptr, or what is wrong with one part of a path.
const char* fault_of_part(std::string_view part) {
  if (part.empty()) return "an empty part";
  if (part == "." || part == "..") return "a part '.' or '..'";
  if (part.size() > kMaxPartBytes) return "a part of more than 255 bytes";
  return nullptr;
}

const char* fault_of_path(std::string_view path) {
  if (path.empty()) return "no characters";
  if (path.size() > kMaxPathBytes) return "more than 1024 bytes";
  if (!is_valid_utf8(path)) return "invalid UTF-8";
  if (std::any_of(path.begin(), path.end(), is_control)) return "a control character";
  if (path.find('\\') != std::string_view::npos) return "a backslash";
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (const char* fault = fault_of_part(path.substr(begin, end - begin))) return fault;
    begin = end + 1;
  }
  return nullptr;
}

// git-check-ref-format(1): no two dots in a row, anywhere. What else it forbids is the server's to
// refuse.
const char* fault_of_revision(std::string_view revision) {
  if (revision.find("..") != std::string_view::npos) return "two dots in a row";
  return fault_of_path(revision);
}

}  // namespace

Result<ModelName> parse_model_name(std::string_view text) {
  if (text.starts_with("hf:")) text.remove_prefix(3);
  ModelName name;
  const std::size_t colon = text.find(':');
  const std::string_view where = text.substr(0, colon);
  const std::size_t at = where.find('@');
  name.repo = where.substr(0, at);
  if (at != std::string_view::npos) name.revision = where.substr(at + 1);
  if (colon != std::string_view::npos) name.file = text.substr(colon + 1);
  NEMO_TRY(check_repo(name.repo));
  if (const char* fault = fault_of_revision(name.revision))
    return Status{StatusCode::kInvalidArgument,
                  join("the revision '", printable(name.revision), "' has ", fault)};
  if (colon == std::string_view::npos) return name;
  if (const char* fault = fault_of_path(name.file))
    return Status{StatusCode::kInvalidArgument,
                  join("the file name '", printable(name.file), "' has ", fault)};
  return name;
}

Status check_file_path(std::string_view path) {
  const char* fault = fault_of_path(path);
  if (fault == nullptr) return Status::ok();
  return {StatusCode::kBadFile,
          join("the server lists a file '", printable(path), "', whose name has ", fault)};
}

bool is_lower_hex(std::string_view text, std::size_t n_digits) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == n_digits && std::all_of(text.begin(), text.end(), is_digit);
}

bool is_commit(std::string_view text) { return is_lower_hex(text, 40); }

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string printable(std::string_view text) {
  constexpr std::size_t kMaxBytes = 200;
  std::string out;
  while (!text.empty() && out.size() < kMaxBytes) {
    const std::size_t length = utf8_length(text);
    // U+0080 to U+009F steer terminals too.
    const bool is_c1 =
        length == 2 && text[0] == '\xc2' && static_cast<unsigned char>(text[1]) < 0xa0;
    if (length == 0 || is_control(text[0]) || is_c1) {
      out.push_back('?');
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return text.empty() ? out : out + "...";
}

}  // namespace nemotron::hub
