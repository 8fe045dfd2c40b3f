// libcurl's easy interface. Its callbacks put what goes wrong into a Transfer, because all they can
// tell libcurl is to stop. A long-lived handle is reset before each request; its connections stay.
#include "hub/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "hub/names.h"
#include "hub/url.h"

namespace nemotron::hub {
namespace {

struct Transfer {
  const HttpRequest& request;
  const std::function<bool()>& is_cancelled;
  HttpHead head;
  std::size_t header_bytes = 0;
  bool is_head_delivered = false;
  Status status;  // of the first callback that failed
};

Status deliver_head(Transfer& transfer) {
  if (std::exchange(transfer.is_head_delivered, true)) return Status::ok();
  return transfer.request.on_head ? transfer.request.on_head(transfer.head) : Status::ok();
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  constexpr std::size_t kMaxHeaderBytes = std::size_t{1} << 20;
  transfer.header_bytes += size;
  if (transfer.header_bytes > kMaxHeaderBytes) return 0;
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) {  // also after an interim answer, 100 Continue
    transfer.head.headers.clear();
    return size;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string name(line.substr(0, colon));
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  constexpr std::string_view kSpaces = " \t\r\n";
  std::string_view value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(kSpaces), value.size()));
  value = value.substr(0, value.find_last_not_of(kSpaces) + 1);
  transfer.head.headers[std::move(name)] = value;
  return size;
}

struct WriteContext {
  CURL* curl;
  Transfer& transfer;
};

std::size_t on_write(char* data, std::size_t, std::size_t size, void* user) {
  auto& [curl, transfer] = *static_cast<WriteContext*>(user);
  if (!transfer.is_head_delivered)
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &transfer.head.status);
  transfer.status = deliver_head(transfer);
  if (transfer.status.is_ok() && transfer.request.on_body)
    transfer.status = transfer.request.on_body(std::as_bytes(std::span(data, size)));
  return transfer.status.is_ok() ? size : size + 1;  // any other number stops the transfer
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(user)->is_cancelled() ? 1 : 0;
}

// Faults of the network or of the other side's moment; certificates and addresses do not change.
bool is_passing(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

HeaderList header_list(const HttpRequest& request) {
  HeaderList list;
  for (const std::string& header : request.headers)
    if (curl_slist* longer = curl_slist_append(list.get(), header.c_str())) {
      static_cast<void>(list.release());
      list.reset(longer);
    }
  return list;
}

void set_options(CURL* curl, const HttpOptions& options) {
  constexpr long kBufferBytes = 512L * 1024;
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, kBufferBytes);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, options.connect_timeout_s);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, options.stall_timeout_s);
  if (!options.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca_file.c_str());
}

void set_callbacks(CURL* curl, Transfer& transfer, WriteContext& write_context) {
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_write);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &write_context);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
}

}  // namespace

std::string_view HttpHead::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : found->second;
}

HttpLibrary::HttpLibrary() { curl_global_init(CURL_GLOBAL_DEFAULT); }
HttpLibrary::~HttpLibrary() { curl_global_cleanup(); }

void HttpConnection::FreeHandle::operator()(void* handle) const { curl_easy_cleanup(handle); }

HttpConnection::HttpConnection(const HttpOptions& options, std::function<bool()> is_cancelled)
    : options_(options), is_cancelled_(std::move(is_cancelled)), curl_(curl_easy_init()) {}
HttpConnection::~HttpConnection() = default;

HttpOutcome HttpConnection::get(const HttpRequest& request) {
  CURL* curl = curl_.get();
  if (curl == nullptr) return {{StatusCode::kOutOfMemory, "libcurl does not start"}, false, {}};
  if (is_cancelled_()) return {{StatusCode::kCancelled, "cancelled"}, false, {}};
  Transfer transfer{request, is_cancelled_, {}, 0, false, {}};
  WriteContext write_context{curl, transfer};
  const HeaderList headers = header_list(request);
  const std::string range = join(request.first_byte, "-");
  char reason[CURL_ERROR_SIZE] = "";
  curl_easy_reset(curl);
  set_options(curl, options_);
  set_callbacks(curl, transfer, write_context);
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  if (request.first_byte > 0) curl_easy_setopt(curl, CURLOPT_RANGE, range.c_str());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
  const CURLcode code = curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &transfer.head.status);
  // No callback may be left that points into this function.
  curl_easy_reset(curl);
  if (is_cancelled_()) return {{StatusCode::kCancelled, "cancelled"}, false, transfer.head};
  if (!transfer.status.is_ok()) return {std::move(transfer.status), false, transfer.head};
  if (code == CURLE_OK) return {deliver_head(transfer), false, transfer.head};
  const std::string text = *reason != '\0' ? reason : curl_easy_strerror(code);
  return {{StatusCode::kFileRead, join(printable(short_url(request.url)), ": ", printable(text))},
          is_passing(code),
          transfer.head};
}

}  // namespace nemotron::hub
