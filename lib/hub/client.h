// Requests to the hub: redirects are followed, passing faults are waited out, refusals become
// sentences. The login goes to the hub's own scheme, host and port and to nobody else: large files
// lie on other hosts, behind signed URLs.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "hub/http.h"
#include "hub/settings.h"

namespace nemotron::hub {

struct ClientOptions {
  HttpOptions http;
  int max_tries = 5;                           // without a byte in between
  std::chrono::milliseconds first_delay{500};  // doubles with each try
  std::chrono::milliseconds max_delay{60000};  // a server that asks for more is not waited for
  std::function<bool()> is_cancelled;
  std::function<void(const std::string&)> on_note;  // what a person may want to know meanwhile
};

class Client {
 public:
  // Both must outlive it. For one thread.
  Client(const Settings& settings, const ClientOptions& options);

  const Settings& settings() const { return settings_; }
  const ClientOptions& options() const { return options_; }

  // One try. `on_head` sees the answers on the way too (their status is 3xx); `on_body` the bytes
  // of a 200 or 206 only. Every other answer is a status that says what it means.
  HttpOutcome get(const HttpRequest& request);

  struct Text {
    HttpHead head;
    std::string url;  // where it came from, after redirects
    std::string body;
  };
  // A document, with tries. kBadFile when it is longer than `max_bytes`.
  Result<Text> get_text(const std::string& url, std::size_t max_bytes);

 private:
  HttpOutcome get_hop(const HttpRequest& request, const std::string& url);

  const Settings& settings_;
  const ClientOptions& options_;
  std::string origin_;  // of the endpoint
  HttpConnection connection_;
  std::string last_url_;  // of the last request sent
};

// Decides whether a failed try is worth another, and waits.
class Retries {
 public:
  explicit Retries(const ClientOptions& options) : options_(options) {}

  // `made_progress`: bytes were received, so the tries are counted from the beginning. False when
  // the outcome is final, the tries are used up or the wait was cancelled.
  bool wait_for_another(const HttpOutcome& outcome, bool made_progress);

 private:
  const ClientOptions& options_;
  int n_failed_ = 0;
};

// What an answer other than 2xx and 3xx means to the user.
Status refusal(const HttpHead& head, const std::string& url, const Settings& settings);

}  // namespace nemotron::hub
