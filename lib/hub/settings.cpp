// Environment variables into Settings. An empty variable counts as unset.
#include "hub/settings.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "base/text.h"
#include "io/data_source.h"
#include "io/paths.h"

namespace nemotron::hub {
namespace {

constexpr std::string_view kWhitespace = " \t\r\n";

class Environment {
 public:
  explicit Environment(const GetVariable& get) : get_(get) {}

  // The first of the variables that is set.
  std::string first_of(std::initializer_list<const char*> names) const {
    for (const char* name : names)
      if (const char* value = get_(name); value != nullptr && *value != '\0') return value;
    return {};
  }
  bool is_true(const char* name) const {
    std::string value = first_of({name});
    for (char& c : value)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
  }
  // The first that is set, as a path: "~" at the beginning, $NAME and ${NAME}.
  std::string path(std::initializer_list<const char*> names) const {
    std::string text = first_of(names);
    if (text == "~" || text.starts_with("~/")) text.replace(0, 1, first_of({"HOME"}));
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t begin = text.compare(i, 2, "${") == 0 ? i + 2 : i + 1;
      std::size_t end = begin;
      while (text[i] == '$' && end < text.size() && is_name_character(text[end])) ++end;
      const char* value = end > begin ? get_(text.substr(begin, end - begin).c_str()) : nullptr;
      const bool is_closed = begin == i + 1 || text.compare(end, 1, "}") == 0;
      if (value == nullptr || !is_closed) {
        out.push_back(text[i++]);
        continue;
      }
      out += value;
      i = begin == i + 1 ? end : end + 1;
    }
    return out;
  }

 private:
  static bool is_name_character(char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }

  const GetVariable& get_;
};

Result<std::string> home_folder(const Environment& environment) {
  if (std::string home = environment.path({"HF_HOME"}); !home.empty()) return home;
  if (const std::string cache = environment.path({"XDG_CACHE_HOME"}); !cache.empty())
    return join_path(cache, "huggingface");
  const std::string user = environment.first_of({"HOME"});
  if (user.empty())
    return Status{
        StatusCode::kInvalidArgument,
        "there is no place for the files: none of HF_HOME, XDG_CACHE_HOME and HOME is set"};
  return join_path(user, ".cache/huggingface");
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kWhitespace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhitespace) - begin + 1);
}

// A token becomes part of a header: what could begin another one is refused.
Result<std::string> clean_token(std::string_view text, std::string_view source) {
  const std::string_view token = trimmed(text);
  constexpr std::size_t kMaxBytes = 4096;
  const auto is_visible = [](char c) { return c > 0x20 && c < 0x7f; };
  if (token.size() <= kMaxBytes && std::all_of(token.begin(), token.end(), is_visible))
    return std::string(token);
  return Status{StatusCode::kInvalidArgument,
                join("the token in ", source, " has characters that no token has")};
}

Result<std::string> read_token_file(const std::string& path) {
  if (!is_regular_file(path)) return std::string();
  NEMO_ASSIGN(const auto file, open_file(path));
  NEMO_ASSIGN(const std::string text, read_all(*file, /*max_bytes=*/65536));
  return clean_token(text, join("'", path, "'"));
}

Result<std::string> find_token(const Environment& environment, const std::string& home) {
  if (environment.is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return std::string();
  const std::string token = environment.first_of({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"});
  if (!token.empty()) return clean_token(token, "HF_TOKEN");
  const std::string path = environment.path({"HF_TOKEN_PATH"});
  return read_token_file(path.empty() ? join_path(home, "token") : path);
}

Result<std::string> find_endpoint(const Environment& environment) {
  std::string endpoint = environment.first_of({"HF_ENDPOINT"});
  if (endpoint.empty()) return std::string("https://huggingface.co");
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (endpoint.starts_with("https://") || endpoint.starts_with("http://")) return endpoint;
  return Status{StatusCode::kInvalidArgument, "HF_ENDPOINT must begin with https:// (or http://)"};
}

}  // namespace

Result<Settings> read_settings(const GetVariable& get) {
  const Environment environment(get);
  Settings settings;
  NEMO_ASSIGN(settings.endpoint, find_endpoint(environment));
  NEMO_ASSIGN(const std::string home, home_folder(environment));
  settings.cache_dir = environment.path({"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"});
  if (settings.cache_dir.empty()) settings.cache_dir = join_path(home, "hub");
  NEMO_ASSIGN(settings.token, find_token(environment, home));
  settings.ca_file = environment.path({"SSL_CERT_FILE", "CURL_CA_BUNDLE"});
  settings.is_offline =
      environment.is_true("HF_HUB_OFFLINE") || environment.is_true("TRANSFORMERS_OFFLINE");
  return settings;
}

}  // namespace nemotron::hub
