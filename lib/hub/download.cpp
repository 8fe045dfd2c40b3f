// Tries, resumes, and checks each answer against the list before its bytes are taken.
#include "hub/download.h"

#include <charconv>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "hub/file_lock.h"
#include "hub/names.h"
#include "hub/partial_file.h"

namespace nemotron::hub {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// ETag: "HASH" or W/"HASH"
std::string_view bare_etag(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"')
    return etag.substr(1, etag.size() - 2);
  return etag;
}

class Download {
 public:
  Download(Client& client, const DownloadTarget& target, const RepoFile& file,
           const std::function<void(std::int64_t)>& on_bytes)
      : client_(client), target_(target), file_(file), on_bytes_(on_bytes) {}

  Status run(PartialFile& partial, const std::string& final_path);

 private:
  Status receive(PartialFile& partial);
  Status throw_away(PartialFile& partial);
  Status check_head(const HttpHead& head, PartialFile& partial);
  Status check_identity(const HttpHead& head) const;
  Status check_size(const HttpHead& head, std::uint64_t first_byte) const;
  Status other_file(std::string_view what, std::string_view found, std::string_view expected) const;

  Client& client_;
  const DownloadTarget& target_;
  const RepoFile& file_;
  const std::function<void(std::int64_t)>& on_bytes_;
};

Status Download::other_file(std::string_view what, std::string_view found,
                            std::string_view expected) const {
  return {StatusCode::kBadFile, join("the server sends another '", printable(file_.path),
                                     "' than it "
                                     "lists: ",
                                     what, " ", printable(found), " instead of ", expected)};
}

// What the hub itself says of the file, on the way to it.
Status Download::check_identity(const HttpHead& head) const {
  const std::string_view commit = head.header("x-repo-commit");
  if (!commit.empty() && commit != target_.commit)
    return other_file("commit", commit, target_.commit);
  const std::string_view etag = bare_etag(head.header("x-linked-etag"));
  if (!etag.empty() && etag != file_.hash) return other_file("hash", etag, file_.hash);
  const std::string_view size = head.header("x-linked-size");
  if (!size.empty() && number(size) != file_.size_bytes)
    return other_file("size", size, join(file_.size_bytes));
  return Status::ok();
}

Status Download::check_size(const HttpHead& head, std::uint64_t first_byte) const {
  const std::string_view length = head.header("content-length");
  const std::uint64_t expected = file_.size_bytes - first_byte;
  if (length.empty() || number(length) == expected) return Status::ok();
  return other_file("length", length, join(expected));
}

// 206 must begin where the partial file ends; 200 begins at 0, whatever was asked for.
Status Download::check_head(const HttpHead& head, PartialFile& partial) {
  NEMO_TRY(check_identity(head));
  if (head.status == 200) {
    NEMO_TRY(check_size(head, 0));
    return partial.size_bytes() > 0 ? throw_away(partial) : Status::ok();
  }
  if (head.status != 206) return Status::ok();
  const std::string_view range = head.header("content-range");
  const std::string begin = join("bytes ", partial.size_bytes(), "-");
  const std::size_t slash = range.find('/');
  const std::string_view total = slash == std::string_view::npos ? "" : range.substr(slash + 1);
  if (!range.starts_with(begin)) return other_file("range", range, begin);
  if (total != "*" && number(total) != file_.size_bytes)
    return other_file("size", total, join(file_.size_bytes));
  return check_size(head, partial.size_bytes());
}

Status Download::throw_away(PartialFile& partial) {
  on_bytes_(-static_cast<std::int64_t>(partial.size_bytes()));
  return partial.restart();
}

// Until the file is as long as it should be, or there is no hope.
Status Download::receive(PartialFile& partial) {
  HttpRequest request;
  request.url = file_url(client_.settings(), target_.repo, target_.commit, file_.path);
  request.on_head = [&](const HttpHead& head) { return check_head(head, partial); };
  request.on_body = [&](std::span<const std::byte> bytes) {
    const std::uint64_t before = partial.size_bytes();
    Status status = partial.append(bytes);
    on_bytes_(static_cast<std::int64_t>(partial.size_bytes() - before));
    return status;
  };
  for (Retries retries(client_.options()); !partial.is_whole();) {
    const std::uint64_t before = partial.size_bytes();
    request.first_byte = before;
    HttpOutcome outcome = client_.get(request);
    if (outcome.head.status == 416 && before > 0) {
      outcome.may_try_again = true;
      NEMO_TRY(throw_away(partial));
    }
    if (partial.is_whole()) break;
    if (outcome.status.is_ok()) {
      outcome.status = {StatusCode::kFileRead,
                        join("the connection was closed ", file_.size_bytes - partial.size_bytes(),
                             " bytes too early")};
      outcome.may_try_again = true;
    }
    if (!retries.wait_for_another(outcome, partial.size_bytes() > before))
      return std::move(outcome.status);
  }
  return Status::ok();
}

// What was taken over may be wrong: then one more time, from the beginning.
Status Download::run(PartialFile& partial, const std::string& final_path) {
  on_bytes_(static_cast<std::int64_t>(partial.size_bytes()));
  const bool was_taken_over = partial.size_bytes() > 0;
  NEMO_TRY(receive(partial));
  Status status = partial.finish(final_path);
  if (status.code() != StatusCode::kBadFile || !was_taken_over) return status;
  NEMO_TRY(throw_away(partial));
  NEMO_TRY(receive(partial));
  return partial.finish(final_path);
}

}  // namespace

Status download_blob(Client& client, const Cache& cache, const DownloadTarget& target,
                     const RepoFile& file, const std::function<void(std::int64_t)>& on_bytes) {
  const ClientOptions& options = client.options();
  const auto on_wait = [&] {
    if (options.on_note)
      options.on_note(join("another program downloads '", printable(file.path), "'; waiting"));
  };
  NEMO_ASSIGN(const FileLock lock,
              FileLock::acquire(cache.lock(file.hash), options.is_cancelled, on_wait));
  if (cache.has_blob(file)) {
    on_bytes(static_cast<std::int64_t>(file.size_bytes));
    return Status::ok();
  }
  NEMO_ASSIGN(PartialFile partial,
              PartialFile::open(cache.partial_blob(file.hash), file, options.is_cancelled));
  Download download(client, target, file, on_bytes);
  return download.run(partial, cache.blob(file.hash));
}

}  // namespace nemotron::hub
