// Going through a weight on all threads, with reports of how far it is.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backend/tensor.h"
#include "threading/shared_status.h"
#include "threading/thread_pool.h"

namespace nemotron {

// Runs item(number, thread) for numbers in [0, n_items), each `item_bytes` of the source (the last
// perhaps fewer), and source.progress() between pieces of them.
template <typename Item>
Status for_all(const MatrixSource& source, ThreadPool& pool, std::int64_t n_items,
               std::uint64_t item_bytes, std::uint64_t total_bytes, const Item& item) {
  constexpr std::uint64_t kReportBytes = 16u << 20;
  const auto per_piece = static_cast<std::int64_t>(
      std::max<std::uint64_t>(1, kReportBytes / std::max<std::uint64_t>(1, item_bytes)));
  std::uint64_t done = 0;
  for (std::int64_t first = 0; first < n_items; first += per_piece) {
    const std::int64_t n = std::min(per_piece, n_items - first);
    SharedStatus status;
    pool.parallel_for(n, 1, [&](std::int64_t begin, std::int64_t end, int thread) {
      for (std::int64_t i = first + begin; i < first + end && status.is_ok(); ++i)
        status.set(item(i, thread));
    });
    NEMO_TRY(status.take());
    const std::uint64_t now =
        std::min(total_bytes, static_cast<std::uint64_t>(first + n) * item_bytes);
    NEMO_TRY(source.progress(now - done));
    done = now;
  }
  return Status::ok();
}

}  // namespace nemotron
