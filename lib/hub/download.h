// One file of a repository into the cache: whole and with the right hash, or not at all. What came
// before a cut, a kill or a cancel stays and is gone on from.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "hub/cache.h"
#include "hub/client.h"
#include "hub/listing.h"

namespace nemotron::hub {

struct DownloadTarget {
  std::string repo;
  std::string commit;
};

// `on_bytes` is told of bytes that are now here, taken over or received; negative: thrown away.
// Returns at once where another program has finished the blob meanwhile.
Status download_blob(Client& client, const Cache& cache, const DownloadTarget& target,
                     const RepoFile& file, const std::function<void(std::int64_t)>& on_bytes);

}  // namespace nemotron::hub
