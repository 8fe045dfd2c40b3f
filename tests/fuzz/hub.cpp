// What a hub answers and what a user asks of it: the input is a page of a repository's list of
// files, which of them is wanted, a Link header, the target of a redirect, a model's name, and the
// code and the text of a refusal.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "hub/choose_files.h"
#include "hub/client.h"
#include "hub/listing.h"
#include "hub/names.h"
#include "hub/url.h"
#include "model_files.h"

using namespace nemotron;
using namespace nemotron::hub;

namespace {

// A message goes to a terminal: no names of the server's may steer it.
void check_message(const Status& status) {
  if (status.code() == StatusCode::kInternal) fuzz::broken_promise("a fault", status.message());
  if (status.message().empty()) fuzz::broken_promise("the message is empty", "");
  if (!is_valid_utf8(status.message()))
    fuzz::broken_promise("a message that is no UTF-8", status.message());
  for (const char c : status.message())
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f)
      fuzz::broken_promise("a control character in a message", status.message());
}

// Whether a path, put behind a folder's, would lead out of it.
bool leaves_its_folder(std::string_view path) {
  return path.empty() || path[0] == '/' || join("/", path, "/").find("/../") != std::string::npos;
}

void check_choice(const std::vector<RepoFile>& files, const std::string& wanted) {
  const auto choice = choose_files(files, wanted);
  if (!choice.is_ok()) return check_message(choice.status());
  bool has_entry = false;
  for (const RepoFile& file : choice->files) {
    if (!check_file_path(file.path).is_ok() || leaves_its_folder(file.path))
      fuzz::broken_promise("a path that leaves its folder", file.path);
    if (!is_lower_hex(file.hash, file.is_large ? 64 : 40))
      fuzz::broken_promise("a hash that is none", file.hash);
    has_entry |= file.path == choice->entry;
  }
  if (!has_entry) fuzz::broken_promise("what is to be opened is not downloaded", choice->entry);
}

void check_redirect(const std::string& target) {
  const auto url = resolve_url("https://hub.example/api/models?x=1", target);
  if (!url.is_ok()) return check_message(url.status());
  if (!url->starts_with("https://"))
    fuzz::broken_promise("a redirect that is not encrypted", url.value());
  if (origin_of(url.value()).empty()) fuzz::broken_promise("an origin that is none", url.value());
}

void check_name(std::string_view text) {
  const auto name = parse_model_name(text);
  if (!name.is_ok()) return check_message(name.status());
  for (const std::string& part : {name->repo, name->revision})
    if (part.empty() || part[0] == '/' || part.find("..") != std::string::npos)
      fuzz::broken_promise("a name that leads elsewhere", part);
  if (!name->file.empty() && leaves_its_folder(name->file))
    fuzz::broken_promise("a file that lies elsewhere", name->file);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string_view> parts = fuzz::split(data, size, 7);
  parts.resize(7);
  std::vector<RepoFile> files;
  const Status status = parse_file_list(parts[0], files);
  if (!status.is_ok()) check_message(status);
  check_choice(files, std::string(parts[1]));
  check_redirect(next_link(parts[2]));
  check_redirect(std::string(parts[3]));
  check_name(parts[4]);
  HttpHead head;
  head.status = static_cast<long>(400 + parts[5].size());
  head.headers["x-error-code"] = parts[5];
  head.headers["x-error-message"] = parts[6];
  Settings settings;
  settings.endpoint = "https://hub.example";
  check_message(refusal(head, "https://hub.example/api/models/a/b", settings));
  return 0;
}
