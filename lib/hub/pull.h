// A model of the Hugging Face hub, in the cache that all programs of a machine share: found there,
// or downloaded into it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "hub/client.h"
#include "hub/names.h"
#include "hub/settings.h"

namespace nemotron::hub {

struct PullOptions {
  HttpOptions http;
  int max_tries = ClientOptions().max_tries;
  std::chrono::milliseconds first_delay = ClientOptions().first_delay;
  std::chrono::milliseconds max_delay = ClientOptions().max_delay;
  std::size_t n_connections = 2;  // files at a time

  // Both are called in the thread that called pull. `on_progress` some ten times a second with
  // bytes of the files that were missing (0 and 0 before they are known); false cancels.
  std::function<bool(std::uint64_t done, std::uint64_t total)> on_progress;
  std::function<void(const std::string&)> on_note;
};

struct PulledModel {
  std::string path;  // what to open: a file in the cache, beside it the others that it needs
  std::string commit;
  std::uint64_t n_downloaded = 0;      // files that were not here before
  std::uint64_t downloaded_bytes = 0;  // of those, as long as they are
};

// What the cache has of the model, by the revision's commit as last asked; no request is made.
// kFileNotFound, or kInvalidArgument where it has several.
Result<PulledModel> find_in_cache(const Settings& settings, const ModelName& name);

// The model at the commit that the revision has now: downloads what is missing, checks size and
// hash of each file, and only then makes the snapshot and moves the reference. May be called at the
// same time by several programs. Offline it is find_in_cache. kCancelled, kFileNotFound, kFileRead
// (network, refusals), kBadFile (what came is not what was listed), kFileWrite.
Result<PulledModel> pull(const Settings& settings, const ModelName& name,
                         const PullOptions& options);

}  // namespace nemotron::hub
