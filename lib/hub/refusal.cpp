// The hub's refusals in words. X-Error-Code says which one it is; without it (a mirror, another
// host) the HTTP status must do.
#include <string>
#include <string_view>

#include "base/text.h"
#include "hub/client.h"
#include "hub/names.h"
#include "hub/url.h"

namespace nemotron::hub {
namespace {

bool is_forbidden(long status) { return status == 401 || status == 403; }

// The repository's page, for a person: ENDPOINT/api/models/REPO/... and ENDPOINT/REPO/... name it.
std::string page_of(std::string_view url, const Settings& settings) {
  if (!url.starts_with(settings.endpoint + "/")) return settings.endpoint;
  std::string_view path = url.substr(settings.endpoint.size() + 1);
  constexpr std::string_view kApi = "api/models/";
  if (path.starts_with(kApi)) path.remove_prefix(kApi.size());
  const std::size_t slash = path.find('/');
  return join(settings.endpoint, "/",
              path.substr(0, slash == std::string_view::npos ? slash : path.find('/', slash + 1)));
}

Status gated(const std::string& url, const Settings& settings) {
  return {StatusCode::kFileRead,
          join("the repository is gated: accept its terms on ", printable(page_of(url, settings)),
               settings.token.empty()
                   ? ", then log in: set HF_TOKEN to a token of the account that did"
                   : " with the account whose token is used here, and let that token read it")};
}

Status not_found_or_private(const Settings& settings) {
  return {StatusCode::kFileNotFound,
          join("there is no such repository, or it is private",
               settings.token.empty() ? " (then log in: set HF_TOKEN)"
                                      : " and not open to the account whose token is used here")};
}

Status by_error_code(std::string_view code, const std::string& url, const Settings& settings) {
  if (code == "GatedRepo") return gated(url, settings);
  if (code == "RepoNotFound") return not_found_or_private(settings);
  if (code == "RevisionNotFound")
    return {StatusCode::kFileNotFound, "the repository has no such revision"};
  if (code == "EntryNotFound")
    return {StatusCode::kFileNotFound, "the repository has no such file at this revision"};
  return Status::ok();
}

Status by_http_status(const HttpHead& head, const Settings& settings) {
  const std::string_view text = head.header("x-error-message");
  if (head.status == 401 && text.find("Invalid credentials") != std::string_view::npos)
    return {StatusCode::kFileRead, "the token (HF_TOKEN or the token file) is not valid"};
  if (head.status == 401) return not_found_or_private(settings);
  if (head.status == 404) return {StatusCode::kFileNotFound, "there is no such thing"};
  if (head.status == 416)
    return {StatusCode::kBadFile, "the file is shorter than what is here already"};
  if (head.status == 429) return {StatusCode::kFileRead, "too many requests"};
  if (is_forbidden(head.status)) return {StatusCode::kFileRead, "the access is forbidden"};
  if (head.status >= 500) return {StatusCode::kFileRead, "the server has a fault"};
  return {StatusCode::kFileRead, "an unexpected answer"};
}

}  // namespace

Status refusal(const HttpHead& head, const std::string& url, const Settings& settings) {
  Status status = by_error_code(head.header("x-error-code"), url, settings);
  if (status.is_ok()) status = by_http_status(head, settings);
  const std::string_view text = head.header("x-error-message");
  return {status.code(), join(printable(short_url(url)), ": ", status.message(), " (HTTP ",
                              head.status, text.empty() ? "" : ": ", printable(text), ")")};
}

}  // namespace nemotron::hub
