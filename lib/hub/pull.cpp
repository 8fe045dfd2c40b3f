// Who does what: the caller's thread watches, reports and listens for a cancel; one thread asks the
// hub and waits for the downloads; each connection has a thread.
#include "hub/pull.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <mutex>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "base/text.h"
#include "hub/cache.h"
#include "hub/choose_files.h"
#include "hub/download.h"
#include "hub/http.h"
#include "hub/listing.h"

namespace nemotron::hub {
namespace {

// Signals go to the caller's thread; SIGPIPE (OpenSSL writes to sockets) to nobody.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

// What the threads and the caller tell each other.
class Watch {
 public:
  bool is_cancelled() const { return is_cancelled_; }
  void cancel() { is_cancelled_ = true; }
  void set_total(std::uint64_t bytes) { total_ = bytes; }
  void add(std::int64_t bytes) { done_ += bytes; }
  void note(const std::string& text) {
    const std::lock_guard lock(mutex_);
    notes_.push_back(text);
  }

  // In the caller's thread.
  void report(const PullOptions& options) {
    std::vector<std::string> notes;
    {
      const std::lock_guard lock(mutex_);
      notes.swap(notes_);
    }
    if (options.on_note) std::ranges::for_each(notes, options.on_note);
    const std::uint64_t total = total_;
    const auto done = static_cast<std::uint64_t>(std::max<std::int64_t>(done_, 0));
    if (options.on_progress && !options.on_progress(std::min(done, total), total)) cancel();
  }

 private:
  std::atomic<bool> is_cancelled_ = false;
  std::atomic<std::uint64_t> total_ = 0;
  std::atomic<std::int64_t> done_ = 0;
  std::mutex mutex_;
  std::vector<std::string> notes_;
};

class Pull {
 public:
  Pull(const Settings& settings, const ModelName& name, const PullOptions& options, Watch& watch)
      : settings_(settings),
        name_(name),
        cache_(settings.cache_dir, name.repo),
        watch_(watch),
        n_connections_(std::max<std::size_t>(options.n_connections, 1)) {
    client_options_ = {options.http,
                       options.max_tries,
                       options.first_delay,
                       options.max_delay,
                       [this] { return watch_.is_cancelled() || is_over_; },
                       [this](const std::string& text) { watch_.note(text); }};
  }

  Result<PulledModel> run();

 private:
  Result<std::vector<RepoFile>> plan(const Choice& choice, const std::string& commit);
  Status download_all(const std::vector<RepoFile>& files, const DownloadTarget& target);
  Status download_some(const std::vector<RepoFile>& files, const DownloadTarget& target,
                       std::atomic<std::size_t>& next);

  const Settings& settings_;
  const ModelName& name_;
  const Cache cache_;
  Watch& watch_;
  const std::size_t n_connections_;
  ClientOptions client_options_;
  std::atomic<bool> is_over_ = false;  // one download has failed: the others stop
};

// The files whose bytes must be fetched, each once; there must be room for them.
Result<std::vector<RepoFile>> Pull::plan(const Choice& choice, const std::string& commit) {
  std::vector<RepoFile> missing;
  std::set<std::string> hashes;
  std::uint64_t total = 0, present = 0;
  for (const RepoFile& file : choice.files) {
    if (cache_.has_file(commit, file) || cache_.has_blob(file) || !hashes.insert(file.hash).second)
      continue;
    missing.push_back(file);
    if (!checked_add(total, file.size_bytes, total))
      return Status{StatusCode::kBadFile, "the sizes of the files do not sum up"};
    present += cache_.present_bytes(file);
  }
  watch_.set_total(total);
  if (missing.empty()) return missing;
  NEMO_TRY(cache_.make_folders());
  NEMO_TRY(cache_.check_room(total - present));
  return missing;
}

// One connection's share: whatever nobody has begun.
Status Pull::download_some(const std::vector<RepoFile>& files, const DownloadTarget& target,
                           std::atomic<std::size_t>& next) {
  block_signals();
  Client client(settings_, client_options_);
  for (std::size_t i = next++; i < files.size(); i = next++) {
    Status status = download_blob(client, cache_, target, files[i],
                                  [this](std::int64_t bytes) { watch_.add(bytes); });
    if (status.is_ok()) continue;
    is_over_ = true;
    return status;
  }
  return Status::ok();
}

Status Pull::download_all(const std::vector<RepoFile>& files, const DownloadTarget& target) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::future<Status>> shares;
  for (std::size_t i = 0; i < std::min(n_connections_, files.size()); ++i)
    shares.push_back(
        std::async(std::launch::async, [&] { return download_some(files, target, next); }));
  Status result;
  for (std::future<Status>& share : shares) {
    Status status = share.get();
    // The first fault counts, not the cancels that it caused.
    if (!status.is_ok() && (result.is_ok() || result.code() == StatusCode::kCancelled))
      result = std::move(status);
  }
  return result;
}

Result<PulledModel> Pull::run() {
  block_signals();
  Client client(settings_, client_options_);
  NEMO_ASSIGN(const std::string commit, find_commit(client, name_));
  NEMO_ASSIGN(const auto files, list_files(client, name_.repo, commit));
  NEMO_ASSIGN(const Choice choice, choose_files(files, name_.file));
  NEMO_ASSIGN(const auto missing, plan(choice, commit));
  NEMO_TRY(download_all(missing, {name_.repo, commit}));
  // Linked in order, weights last, so that a snapshot with weights has what they need.
  bool is_changed = false;
  for (const RepoFile& file : choice.files) {
    if (cache_.has_file(commit, file)) continue;
    NEMO_TRY(cache_.link_file(commit, file));
    is_changed = true;
  }
  Status status = cache_.write_ref(name_.revision, commit);
  // A cache that cannot be written to and has everything will do.
  if (is_changed && !status.is_ok()) return status;
  PulledModel model{cache_.file(commit, choice.entry), commit, missing.size(), 0};
  for (const RepoFile& file : missing) model.downloaded_bytes += file.size_bytes;
  return model;
}

std::string title(const ModelName& name) { return join("hf:", name.repo, "@", name.revision); }

}  // namespace

Result<PulledModel> find_in_cache(const Settings& settings, const ModelName& name) {
  const Cache cache(settings.cache_dir, name.repo);
  const std::string commit =
      is_commit(name.revision) ? name.revision : cache.read_ref(name.revision);
  const std::vector<RepoFile> files =
      commit.empty() ? std::vector<RepoFile>() : cache.list_snapshot(commit);
  if (files.empty())
    return Status{StatusCode::kFileNotFound,
                  join(title(name), " is not in the cache, '", settings.cache_dir, "'")};
  auto choice = choose_files(files, name.file);
  if (!choice.is_ok())
    return std::move(choice).status().with_prefix(join(title(name), " in the cache"));
  return PulledModel{cache.file(commit, choice.value().entry), commit, 0, 0};
}

Result<PulledModel> pull(const Settings& settings, const ModelName& name,
                         const PullOptions& options) {
  if (settings.is_offline) {
    auto found = find_in_cache(settings, name);
    if (found.is_ok()) return found;
    return std::move(found).status().with_prefix("HF_HUB_OFFLINE forbids to download");
  }
  const HttpLibrary library;
  Watch watch;
  Pull work(settings, name, options, watch);
  auto result = std::async(std::launch::async, [&] { return work.run(); });
  constexpr std::chrono::milliseconds kInterval(100);
  do {
    watch.report(options);
  } while (result.wait_for(kInterval) != std::future_status::ready);
  watch.report(options);
  auto model = result.get();
  if (!model.is_ok()) return std::move(model).status().with_prefix(title(name));
  return model;
}

}  // namespace nemotron::hub
