// GET /api/models/REPO/revision/REVISION for the commit, then GET
// /api/models/REPO/tree/COMMIT?recursive=true, whose pages are chained by Link headers.
#include "hub/listing.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/text.h"
#include "hub/url.h"
#include "json/json_value.h"

namespace nemotron::hub {
namespace {

constexpr std::size_t kMaxAnswerBytes = std::size_t{32} << 20;
constexpr std::size_t kMaxFiles = 200000;
constexpr JsonLimits kJsonLimits{.max_depth = 64, .max_values = 2000000};

std::string api_url(const Settings& settings, const std::string& repo) {
  return join(settings.endpoint, "/api/models/", quote(repo, /*keep_slashes=*/true));
}

Status no_hub(const std::string& url, std::string_view why) {
  return {StatusCode::kBadFile,
          join(printable(short_url(url)), ": this is not the answer of a Hugging Face hub: ", why)};
}

// The parser's message quotes what it read last, whatever bytes those are.
Result<JsonValue> parse_answer(std::string_view text) {
  auto json = parse_json(text, kJsonLimits);
  if (json.is_ok()) return json;
  return Status{StatusCode::kBadFile, printable(json.status().message())};
}

Result<std::string> text_member(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.find(key);
  if (value == nullptr) return Status{StatusCode::kBadFile, join("'", key, "' is missing")};
  return value->to_string(key);
}

Result<std::uint64_t> size_member(const JsonValue& object) {
  const JsonValue* value = object.find("size");
  if (value == nullptr) return Status{StatusCode::kBadFile, "'size' is missing"};
  NEMO_ASSIGN(const std::int64_t size, value->to_integer("size"));
  if (size < 0) return Status{StatusCode::kBadFile, "'size' is negative"};
  return static_cast<std::uint64_t>(size);
}

Result<RepoFile> parse_file(const JsonValue& entry) {
  RepoFile file;
  NEMO_ASSIGN(file.path, text_member(entry, "path"));
  NEMO_ASSIGN(file.size_bytes, size_member(entry));
  const JsonValue* lfs = entry.find("lfs");
  file.is_large = lfs != nullptr && lfs->is_object();
  NEMO_ASSIGN(file.hash, text_member(file.is_large ? *lfs : entry, "oid"));
  if (!is_lower_hex(file.hash, file.is_large ? 64 : 40))
    return Status{StatusCode::kBadFile,
                  join("the hash of '", printable(file.path), "' is no ",
                       file.is_large ? "SHA-256" : "SHA-1", ": '", printable(file.hash), "'")};
  if (!file.is_large) return file;
  NEMO_ASSIGN(const std::uint64_t lfs_size, size_member(*lfs));
  if (lfs_size != file.size_bytes)
    return Status{StatusCode::kBadFile, join("the list gives '", printable(file.path),
                                             "' two sizes, ", file.size_bytes, " and ", lfs_size)};
  return file;
}

// The files sorted; the same path twice could be two different files under one name.
Result<std::vector<RepoFile>> sorted(std::vector<RepoFile> files) {
  const auto path = [](const RepoFile& file) -> const std::string& { return file.path; };
  std::ranges::sort(files, {}, path);
  const auto twice = std::ranges::adjacent_find(files, {}, path);
  if (twice == files.end()) return files;
  return Status{StatusCode::kBadFile, join("the list holds '", printable(twice->path), "' twice")};
}

}  // namespace

std::string file_url(const Settings& settings, const std::string& repo, const std::string& commit,
                     const std::string& path) {
  return join(settings.endpoint, "/", quote(repo, /*keep_slashes=*/true), "/resolve/", commit, "/",
              quote(path, /*keep_slashes=*/true));
}

Result<std::string> find_commit(Client& client, const ModelName& name) {
  if (is_commit(name.revision)) return name.revision;
  const std::string url = join(api_url(client.settings(), name.repo), "/revision/",
                               quote(name.revision, /*keep_slashes=*/false));
  NEMO_ASSIGN(const auto answer, client.get_text(url, kMaxAnswerBytes));
  const auto json = parse_answer(answer.body);
  if (!json.is_ok()) return no_hub(url, json.status().message());
  auto commit = text_member(json.value(), "sha");
  if (!commit.is_ok()) return no_hub(url, commit.status().message());
  if (!is_commit(commit.value())) return no_hub(url, "'sha' is no commit");
  return commit;
}

Status parse_file_list(std::string_view text, std::vector<RepoFile>& files) {
  NEMO_ASSIGN(const JsonValue json, parse_answer(text));
  if (!json.is_array()) return {StatusCode::kBadFile, "the list of files is no array"};
  for (const JsonValue& entry : json.items()) {
    NEMO_ASSIGN(const std::string type, text_member(entry, "type"));
    if (type != "file") continue;
    if (files.size() == kMaxFiles) return {StatusCode::kBadFile, "too many files"};
    NEMO_ASSIGN(RepoFile file, parse_file(entry));
    files.push_back(std::move(file));
  }
  return Status::ok();
}

Result<std::vector<RepoFile>> list_files(Client& client, const std::string& repo,
                                         const std::string& commit) {
  constexpr int kMaxPages = 1000;
  std::vector<RepoFile> files;
  std::string url = join(api_url(client.settings(), repo), "/tree/", commit, "?recursive=true");
  for (int i = 0; i < kMaxPages; ++i) {
    NEMO_ASSIGN(const auto answer, client.get_text(url, kMaxAnswerBytes));
    Status status = parse_file_list(answer.body, files);
    if (!status.is_ok()) return no_hub(url, status.message());
    const std::string next = next_link(answer.head.header("link"));
    if (next.empty()) return sorted(std::move(files));
    NEMO_ASSIGN(url, resolve_url(answer.url, next));
  }
  return no_hub(url, "a list without end");
}

}  // namespace nemotron::hub
