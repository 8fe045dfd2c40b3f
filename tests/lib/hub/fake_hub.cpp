#include "fake_hub.h"

#include <httplib.h>

#include <algorithm>
#include <span>

#include "base/text.h"
#include "hub/digest.h"

namespace nemotron::hub {
namespace {

std::string digest_of(Digest digest, const std::string& content) {
  digest.update(std::as_bytes(std::span(content)));
  return digest.finish();
}

std::string hash_of(const HubFile& file) {
  if (!file.hash.empty()) return file.hash;
  return file.is_large ? sha256_of(file.content) : git_sha1_of(file.content);
}

void refuse(httplib::Response& response, int status, const std::string& code) {
  response.status = status;
  if (!code.empty()) response.set_header("X-Error-Code", code);
  response.set_content("no", "text/plain");
}

}  // namespace

std::string sha256_of(const std::string& content) {
  return digest_of(Digest::create(Digest::Kind::kSha256).value(), content);
}
std::string git_sha1_of(const std::string& content) {
  return digest_of(Digest::create_for_git_blob(content.size()).value(), content);
}

FakeHub::FakeHub() : server_(std::make_unique<httplib::Server>()) {
  using httplib::Request;
  using httplib::Response;
  server_->set_pre_routing_handler([this](const Request& request, Response& response) {
    return is_refused(request, response) ? httplib::Server::HandlerResponse::Handled
                                         : httplib::Server::HandlerResponse::Unhandled;
  });
  server_->Get("/api/models/(.+)/revision/(.+)",
               [this](const Request& request, Response& response) {
                 if (request.matches[1] != repo) return refuse(response, 401, "RepoNotFound");
                 if (request.matches[2] != revision)
                   return refuse(response, 404, "RevisionNotFound");
                 response.set_content(json_info(), "application/json");
               });
  server_->Get("/api/models/(.+)/tree/([0-9a-f]+)",
               [this](const Request& request, Response& response) { list(request, response); });
  server_->Get("/(.+)/resolve/([0-9a-f]+)/(.+)",
               [this](const Request& request, Response& response) { resolve(request, response); });
  port_ = server_->bind_to_any_port("127.0.0.1");
  thread_ = std::thread([this] { server_->listen_after_bind(); });
  while (!server_->is_running()) std::this_thread::yield();
}

FakeHub::~FakeHub() {
  server_->stop();
  thread_.join();
}

std::vector<LoggedRequest> FakeHub::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

std::size_t FakeHub::n_requests(const std::string& part) const {
  const auto all = log();
  return static_cast<std::size_t>(std::ranges::count_if(all, [&](const LoggedRequest& request) {
    return request.target.find(part) != std::string::npos;
  }));
}

bool FakeHub::is_refused(const httplib::Request& request, httplib::Response& response) {
  const std::lock_guard lock(mutex_);
  log_.push_back({request.target, request.get_header_value("Authorization"),
                  request.get_header_value("Range")});
  if (n_failures > 0) {
    --n_failures;
    if (!retry_after.empty()) response.set_header("Retry-After", retry_after);
    refuse(response, failure_status, "");
  } else if (!refuse_with.empty()) {
    refuse(response, refuse_status, refuse_with);
  } else if (!token.empty() && log_.back().authorization != "Bearer " + token) {
    refuse(response, 401, "RepoNotFound");
  } else {
    return false;
  }
  return true;
}

std::string FakeHub::json_info() const {
  std::string siblings;
  for (const HubFile& file : files)
    siblings += join(siblings.empty() ? "" : ",", R"({"rfilename":")", file.path, R"("})");
  return join(R"({"_id":"1","id":")", repo, R"(","private":false,"gated":false,"sha":")", commit,
              R"(","siblings":[)", siblings, R"(],"tags":["gguf"]})");
}

std::string FakeHub::json_entry(const HubFile& file) const {
  const std::string size = std::to_string(file.listed_size.value_or(file.content.size()));
  const std::string path = file.path_in_json.empty() ? file.path : file.path_in_json;
  const std::string text = join(R"({"type":"file","path":")", path, R"(","size":)", size);
  if (!file.is_large) return join(text, R"(,"oid":")", hash_of(file), R"("})");
  return join(text, R"(,"oid":")", std::string(40, 'b'), R"(","lfs":{"oid":")", hash_of(file),
              R"(","size":)", size, R"(,"pointerSize":134},"xetHash":"00"})");
}

void FakeHub::list(const httplib::Request& request, httplib::Response& response) const {
  if (request.matches[2] != commit || request.get_param_value("recursive") != "true")
    return refuse(response, 404, "RevisionNotFound");
  const std::string cursor = request.get_param_value("cursor");
  const std::size_t begin = cursor.empty() ? 0 : std::stoul(cursor);
  const std::size_t end = std::min(begin + page_size, files.size());
  std::string text = R"([{"type":"directory","oid":"x","size":0,"path":"sub"})";
  for (std::size_t i = begin; i < end; ++i) text += join(",", json_entry(files[i]));
  if (end < files.size())
    response.set_header("Link", join("<", endpoint(), "/api/models/", repo, "/tree/", commit,
                                     "?recursive=true&cursor=", end, ">; rel=\"next\""));
  response.set_content(text + "]", "application/json");
}

void FakeHub::resolve(const httplib::Request& request, httplib::Response& response) const {
  const std::string path = request.matches[3];
  const auto file = std::ranges::find(files, path, &HubFile::path);
  if (file == files.end() || request.matches[1] != repo || request.matches[2] != commit)
    return refuse(response, 404, "EntryNotFound");
  const std::string etag = join('"', etag_header.empty() ? hash_of(*file) : etag_header, '"');
  response.set_header("X-Repo-Commit", commit_header.empty() ? commit : commit_header);
  if (!file->is_large) {
    response.set_header("ETag", etag);
    response.set_content(file->content, "application/octet-stream");
    return;
  }
  response.set_header("X-Linked-ETag", etag);
  response.set_header("X-Linked-Size",
                      std::to_string(file->listed_size.value_or(file->content.size())));
  if (large_file_url.empty())
    response.set_content(file->content, "application/octet-stream");
  else
    response.set_redirect(large_file_url + hash_of(*file) + "?Signature=s%2Fx", 302);
}

}  // namespace nemotron::hub
