// One HTTP request with libcurl: no redirects, no retries (client.h does both). A connection stays
// open between requests of one HttpConnection; threads have one each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace nemotron::hub {

struct HttpHead {
  long status = 0;                             // 200, 404, ...
  std::map<std::string, std::string> headers;  // names in lower case; of equal ones the last

  std::string_view header(const std::string& name) const;  // empty without one
};

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::uint64_t first_byte = 0;      // > 0: asks for the bytes from there on, and may not get that
  // Called once, before the body. What is not ok ends the request.
  std::function<Status(const HttpHead&)> on_head;
  std::function<Status(std::span<const std::byte>)> on_body;
};

struct HttpOutcome {
  Status status;               // not ok: the answer did not arrive whole, or a callback's status
  bool may_try_again = false;  // the fault lies in the network or in a moment
  HttpHead head;               // status 0 when no answer came
};

struct HttpOptions {
  std::string user_agent;
  std::string ca_file;  // empty: the system's certificates
  long connect_timeout_s = 15;
  long stall_timeout_s = 30;  // without a byte for that long, the connection is given up
};

// libcurl's own state: while one lives, HttpConnections may be made, in any thread.
class HttpLibrary {
 public:
  HttpLibrary();
  ~HttpLibrary();
  HttpLibrary(const HttpLibrary&) = delete;
  HttpLibrary& operator=(const HttpLibrary&) = delete;
};

class HttpConnection {
 public:
  // `is_cancelled` is asked at least once a second during a request, in its thread.
  HttpConnection(const HttpOptions& options, std::function<bool()> is_cancelled);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // A cancelled request ends with kCancelled, whatever came of it. The thread must block SIGPIPE:
  // OpenSSL raises it when a connection breaks.
  HttpOutcome get(const HttpRequest& request);

 private:
  struct FreeHandle {
    void operator()(void* handle) const;
  };

  HttpOptions options_;
  std::function<bool()> is_cancelled_;
  std::unique_ptr<void, FreeHandle> curl_;  // a CURL
};

}  // namespace nemotron::hub
