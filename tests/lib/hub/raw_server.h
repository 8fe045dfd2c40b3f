// A server on loopback that writes whatever bytes a test wants, right or wrong, and closes the
// connection after each answer. It plays the host on which large files lie.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace nemotron::hub {

struct RawRequest {
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case

  bool has(const std::string& name) const { return headers.count(name) != 0; }
  // The N of "Range: bytes=N-"; 0 without one.
  std::uint64_t first_byte() const;
};

class RawServer {
 public:
  // Writes to the connection; false once the other side is gone.
  using Send = std::function<bool(std::string_view)>;
  // `number` counts the requests from 0. Called in a thread of the connection.
  using Handler = std::function<void(const RawRequest&, std::size_t number, const Send&)>;

  explicit RawServer(Handler handler);
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }
  std::vector<RawRequest> log() const;

 private:
  void accept_all();
  void answer(int connection);

  Handler handler_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> is_over_ = false;
  mutable std::mutex mutex_;
  std::vector<RawRequest> log_;
  std::vector<std::thread> connections_;
  std::thread thread_;
};

// The right answer: 200 with everything, or 206 from where the request wants it on; only the first
// `n_bytes` of its body.
void send_file(const RawRequest& request, const RawServer::Send& send, std::string_view content,
               std::size_t n_bytes = SIZE_MAX);

}  // namespace nemotron::hub
