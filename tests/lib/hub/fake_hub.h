// A hub on loopback (cpp-httplib): the API, small files, and redirects to another host for large
// ones. It does what the real one does; broken transfers are raw_server.h's business.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace httplib {
class Server;
struct Request;
struct Response;
}  // namespace httplib

namespace nemotron::hub {

// The names by which the hub, git and LFS know bytes.
std::string sha256_of(const std::string& content);
std::string git_sha1_of(const std::string& content);

struct HubFile {
  std::string path = {};
  std::string content = {};
  bool is_large = false;
  std::string hash = {};                          // empty: that of the content
  std::optional<std::uint64_t> listed_size = {};  // none: that of the content
  std::string path_in_json = {};                  // empty: the path; else raw, between the quotes
};

struct LoggedRequest {
  std::string target;  // as sent: path and query, percent-encoded
  std::string authorization;
  std::string range;
};

class FakeHub {
 public:
  FakeHub();
  ~FakeHub();
  FakeHub(const FakeHub&) = delete;
  FakeHub& operator=(const FakeHub&) = delete;

  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<LoggedRequest> log() const;
  std::size_t n_requests(const std::string& part_of_target) const;

  // What it serves; set before the first request.
  std::string repo = "org/model";
  std::string revision = "main";
  std::string commit = std::string(39, '0') + "1";
  std::vector<HubFile> files;
  std::size_t page_size = 1000;
  std::string large_file_url;  // large files are at this + hash; empty: it sends them itself
  std::string token;           // not empty: needed, else the repository does not exist
  std::string refuse_with;     // an X-Error-Code for everything
  int refuse_status = 403;
  int n_failures = 0;  // so many requests fail first, with failure_status
  int failure_status = 503;
  std::string retry_after;
  std::string commit_header;  // empty: the commit
  std::string etag_header;    // empty: the file's hash

 private:
  bool is_refused(const httplib::Request& request, httplib::Response& response);
  void list(const httplib::Request& request, httplib::Response& response) const;
  void resolve(const httplib::Request& request, httplib::Response& response) const;
  std::string json_info() const;
  std::string json_entry(const HubFile& file) const;

  mutable std::mutex mutex_;
  std::vector<LoggedRequest> log_;
  std::unique_ptr<httplib::Server> server_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace nemotron::hub
