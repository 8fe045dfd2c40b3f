// Redirects by hand, because the answers on the way carry the file's commit and hash, and because
// the login must not travel with them.
#include "hub/client.h"

#include <algorithm>
#include <charconv>
#include <span>
#include <string_view>
#include <thread>
#include <utility>

#include "base/text.h"
#include "hub/names.h"
#include "hub/url.h"

namespace nemotron::hub {
namespace {

constexpr int kMaxRedirects = 10;

bool is_redirect(const HttpHead& head) {
  constexpr long kStatuses[] = {301, 302, 303, 307, 308};
  return std::find(std::begin(kStatuses), std::end(kStatuses), head.status) !=
             std::end(kStatuses) &&
         !head.header("location").empty();
}

bool has_content(const HttpHead& head) { return head.status == 200 || head.status == 206; }

bool is_passing_status(long status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
         status == 504;
}

// Seconds that the server asks to wait: Retry-After, or t= in the hub's RateLimit ("api";r=0;t=55).
std::chrono::seconds requested_wait(const HttpHead& head) {
  std::string_view text = head.header("retry-after");
  if (text.empty() && head.status == 429) {
    text = head.header("ratelimit");
    const std::size_t at = text.find(";t=");
    text = at == std::string_view::npos ? std::string_view() : text.substr(at + 3);
  }
  std::int64_t seconds = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr std::int64_t kMost = 1000000;
  return std::chrono::seconds(parsed.ec == std::errc() ? std::clamp<std::int64_t>(seconds, 0, kMost)
                                                       : 0);
}

}  // namespace

Client::Client(const Settings& settings, const ClientOptions& options)
    : settings_(settings),
      options_(options),
      origin_(origin_of(settings.endpoint)),
      connection_(options.http, options.is_cancelled) {}

// One request, without following where it leads.
HttpOutcome Client::get_hop(const HttpRequest& wanted, const std::string& url) {
  HttpRequest request = wanted;
  request.url = url;
  // Sizes and ranges are those of the files themselves, not of a compressed form.
  request.headers.emplace_back("Accept-Encoding: identity");
  if (!settings_.token.empty() && !origin_.empty() && origin_of(url) == origin_)
    request.headers.push_back("Authorization: Bearer " + settings_.token);
  bool is_wanted = false;
  request.on_head = [&](const HttpHead& head) {
    is_wanted = has_content(head);
    return wanted.on_head ? wanted.on_head(head) : Status::ok();
  };
  std::size_t n_unwanted = 0;
  request.on_body = [&](std::span<const std::byte> bytes) -> Status {
    if (is_wanted) return wanted.on_body(bytes);
    constexpr std::size_t kMaxUnwanted = std::size_t{1} << 20;
    n_unwanted += bytes.size();
    if (n_unwanted <= kMaxUnwanted) return Status::ok();
    return {StatusCode::kBadFile, join(printable(short_url(url)), ": an endless refusal")};
  };
  return connection_.get(request);
}

HttpOutcome Client::get(const HttpRequest& request) {
  std::string url = request.url;
  for (int i = 0; i <= kMaxRedirects; ++i) {
    last_url_ = url;
    HttpOutcome outcome = get_hop(request, url);
    if (!outcome.status.is_ok() || has_content(outcome.head)) return outcome;
    if (!is_redirect(outcome.head)) {
      outcome.status = refusal(outcome.head, url, settings_);
      outcome.may_try_again = is_passing_status(outcome.head.status);
      return outcome;
    }
    auto next = resolve_url(url, std::string(outcome.head.header("location")));
    if (!next.is_ok()) return {next.status(), false, outcome.head};
    url = std::move(next).value();
  }
  return {{StatusCode::kBadFile,
           join(printable(short_url(request.url)), ": more than ", kMaxRedirects, " redirects")},
          false,
          {}};
}

Result<Client::Text> Client::get_text(const std::string& url, std::size_t max_bytes) {
  Text text;
  HttpRequest request{url, {}, 0, nullptr, [&](std::span<const std::byte> bytes) -> Status {
                        if (bytes.size() > max_bytes - text.body.size())
                          return {StatusCode::kBadFile,
                                  join(printable(short_url(url)), ": an answer of more than ",
                                       max_bytes, " bytes")};
                        text.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                        return Status::ok();
                      }};
  for (Retries retries(options_);;) {
    text.body.clear();
    HttpOutcome outcome = get(request);
    if (outcome.status.is_ok()) {
      text.head = std::move(outcome.head);
      text.url = last_url_;
      return text;
    }
    if (!retries.wait_for_another(outcome, /*made_progress=*/false))
      return std::move(outcome.status);
  }
}

bool Retries::wait_for_another(const HttpOutcome& outcome, bool made_progress) {
  if (made_progress) n_failed_ = 0;
  ++n_failed_;
  if (!outcome.may_try_again || n_failed_ >= options_.max_tries) return false;
  std::chrono::milliseconds delay = options_.first_delay * (1 << std::min(n_failed_ - 1, 16));
  delay = std::min(delay, options_.max_delay);
  const std::chrono::milliseconds requested = requested_wait(outcome.head);
  if (requested > options_.max_delay) return false;
  delay = std::max(delay, requested);
  if (options_.on_note)
    options_.on_note(join(outcome.status.message(), "; trying again in ",
                          std::chrono::ceil<std::chrono::seconds>(delay).count(), " s"));
  const auto end = std::chrono::steady_clock::now() + delay;
  constexpr std::chrono::milliseconds kSlice(20);
  while (std::chrono::steady_clock::now() < end) {
    if (options_.is_cancelled()) return false;
    std::this_thread::sleep_for(std::min(delay, kSlice));
  }
  return !options_.is_cancelled();
}

}  // namespace nemotron::hub
