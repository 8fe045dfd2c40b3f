#include "raw_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

namespace nemotron::hub {
namespace {

RawRequest parse(const std::string& text) {
  RawRequest request;
  const std::size_t begin = text.find(' ') + 1;
  request.target = text.substr(begin, text.find(' ', begin) - begin);
  for (std::size_t at = text.find("\r\n"); at != std::string::npos;) {
    const std::size_t end = text.find("\r\n", at + 2);
    const std::string line = text.substr(at + 2, end == std::string::npos ? end : end - at - 2);
    if (const std::size_t colon = line.find(": "); colon != std::string::npos) {
      std::string name = line.substr(0, colon);
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      request.headers[name] = line.substr(colon + 2);
    }
    at = end;
  }
  return request;
}

}  // namespace

std::uint64_t RawRequest::first_byte() const {
  const auto range = headers.find("range");
  return range == headers.end() ? 0 : std::stoull(range->second.substr(sizeof "bytes=" - 1));
}

RawServer::RawServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, generic, &size) != 0)
    throw std::runtime_error("no port on loopback");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { accept_all(); });
}

RawServer::~RawServer() {
  is_over_ = true;
  thread_.join();
  for (std::thread& connection : connections_) connection.join();
  ::close(listener_);
}

std::vector<RawRequest> RawServer::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

void RawServer::accept_all() {
  while (!is_over_) {
    pollfd ready{listener_, POLLIN, 0};
    if (::poll(&ready, 1, 10) != 1) continue;
    const int connection = ::accept(listener_, nullptr, nullptr);
    if (connection >= 0) connections_.emplace_back([this, connection] { answer(connection); });
  }
}

void RawServer::answer(int connection) {
  std::string text;
  std::array<char, 4096> buffer;
  while (text.find("\r\n\r\n") == std::string::npos) {
    const ssize_t n_read = ::recv(connection, buffer.data(), buffer.size(), 0);
    if (n_read <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(n_read));
  }
  if (!text.empty()) {
    const RawRequest request = parse(text);
    std::size_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      number = log_.size();
      log_.push_back(request);
    }
    handler_(request, number, [&](std::string_view bytes) {
      while (!bytes.empty() && !is_over_) {
        const ssize_t n = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
      }
      return !is_over_;
    });
  }
  // What the client still sends must not turn the close into a reset that loses our last bytes.
  ::shutdown(connection, SHUT_WR);
  while (!is_over_ && ::recv(connection, buffer.data(), buffer.size(), MSG_DONTWAIT) > 0) {
  }
  ::close(connection);
}

void send_file(const RawRequest& request, const RawServer::Send& send, std::string_view content,
               std::size_t n_bytes) {
  const std::uint64_t first = request.first_byte();
  const std::string_view rest = content.substr(first);
  std::string head =
      request.has("range") ? "HTTP/1.1 206 Partial Content\r\n" : "HTTP/1.1 200 OK\r\n";
  if (request.has("range"))
    head += "Content-Range: bytes " + std::to_string(first) + "-" +
            std::to_string(content.size() - 1) + "/" + std::to_string(content.size()) + "\r\n";
  head += "Content-Length: " + std::to_string(rest.size()) + "\r\nConnection: close\r\n\r\n";
  if (send(head)) send(rest.substr(0, n_bytes));
}

}  // namespace nemotron::hub
