// URLs over libcurl's URL interface.
#include "hub/url.h"

#include <curl/curl.h>

#include <cstddef>
#include <memory>

#include "base/text.h"
#include "hub/names.h"

namespace nemotron::hub {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

std::string part_of(const Url& url, CURLUPart part, unsigned int flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, flags) != CURLUE_OK) return {};
  std::string out(text);
  curl_free(text);
  return out;
}

// Only http and https are known to it.
Url parse(const std::string& text) {
  Url url(curl_url());
  if (url == nullptr || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    return nullptr;
  const std::string scheme = part_of(url, CURLUPART_SCHEME);
  return scheme == "http" || scheme == "https" ? std::move(url) : nullptr;
}

Status bad_target(const std::string& base, const std::string& target, std::string_view why) {
  return {StatusCode::kBadFile,
          join("'", printable(short_url(base)), "' sends on to '", printable(target), "', ", why)};
}

}  // namespace

std::string quote(std::string_view text, bool keep_slashes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kUnreserved.find(c) != std::string_view::npos || (keep_slashes && c == '/')) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 15]);
    }
  }
  return out;
}

Result<std::string> resolve_url(const std::string& base, const std::string& target) {
  const Url url = parse(base);
  if (url == nullptr)
    return Status{StatusCode::kInvalidArgument, join("'", printable(base), "' is no URL")};
  const bool was_secure = part_of(url, CURLUPART_SCHEME) == "https";
  if (curl_url_set(url.get(), CURLUPART_URL, target.c_str(), 0) != CURLUE_OK)
    return bad_target(base, target, "which is no URL of http or https");
  const std::string scheme = part_of(url, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https")
    return bad_target(base, target, "which is no URL of http or https");
  if (was_secure && scheme != "https") return bad_target(base, target, "which is not encrypted");
  return part_of(url, CURLUPART_URL);
}

std::string origin_of(const std::string& text) {
  const Url url = parse(text);
  if (url == nullptr) return {};
  std::string host = part_of(url, CURLUPART_HOST);
  for (char& c : host)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return join(part_of(url, CURLUPART_SCHEME), "://", host, ":",
              part_of(url, CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

std::string short_url(const std::string& text) {
  const Url url = parse(text);
  if (url == nullptr) return text.substr(0, text.find('?'));
  const std::string port = part_of(url, CURLUPART_PORT);
  return join(part_of(url, CURLUPART_SCHEME), "://", part_of(url, CURLUPART_HOST),
              port.empty() ? "" : ":", port, part_of(url, CURLUPART_PATH));
}

// <URL>; rel="next", <URL>; rel="last"
std::string next_link(std::string_view header) {
  while (true) {
    const std::size_t begin = header.find('<');
    const std::size_t end = header.find('>', begin == std::string_view::npos ? 0 : begin);
    if (begin == std::string_view::npos || end == std::string_view::npos) return {};
    const std::string_view target = header.substr(begin + 1, end - begin - 1);
    header.remove_prefix(end + 1);
    const std::string_view parameters = header.substr(0, header.find('<'));
    if (parameters.find("rel=\"next\"") != std::string_view::npos ||
        parameters.find("rel=next") != std::string_view::npos)
      return std::string(target);
  }
}

}  // namespace nemotron::hub
