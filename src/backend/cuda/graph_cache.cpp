#include "backend/cuda/graph_cache.h"

#include <algorithm>
#include <new>
#include <utility>

namespace nemotron {

using kernels::cuda::Launch;

Result<bool> GraphCache::enqueue(std::span<const Launch> launches) {
  if (launches.empty() || launches.size() > kMostLaunches) return false;
  Sequence* sequence = find(launches);
  if (sequence == nullptr) {
    remember(launches);
    return false;
  }
  sequence->last_use = ++n_uses_;
  if (sequence->is_refused) return false;
  Status status = enqueue(*sequence);
  if (status.is_ok()) return true;
  if (status.code() != StatusCode::kOutOfMemory) return status;
  destroy(*sequence);
  sequence->is_refused = true;
  return false;
}

GraphCache::Sequence* GraphCache::find(std::span<const Launch> launches) {
  const auto found = std::find_if(sequences_.begin(), sequences_.end(), [&](const Sequence& s) {
    return std::equal(s.launches.begin(), s.launches.end(), launches.begin(), launches.end());
  });
  return found == sequences_.end() ? nullptr : &*found;
}

void GraphCache::remember(std::span<const Launch> launches) {
  try {
    Sequence fresh;
    fresh.launches.assign(launches.begin(), launches.end());
    fresh.last_use = ++n_uses_;
    sequences_.reserve(kMostSequences);
    if (sequences_.size() < kMostSequences) {
      sequences_.push_back(std::move(fresh));
      return;
    }
    Sequence& oldest =
        *std::min_element(sequences_.begin(), sequences_.end(),
                          [](const auto& a, const auto& b) { return a.last_use < b.last_use; });
    destroy(oldest);
    oldest = std::move(fresh);
  } catch (const std::bad_alloc&) {
    // It runs without a graph.
  }
}

// The second launch is measured: the first also brings the graph to the device.
Status GraphCache::enqueue(Sequence& sequence) {
  if (sequence.graph == nullptr) NEMO_TRY(make_graph(sequence));
  if (++sequence.n_launches != 2) return launch(sequence);
  NEMO_TRY(record(begin_));
  NEMO_TRY(launch(sequence));
  NEMO_TRY(record(end_));
  measured_ = &sequence;
  return Status::ok();
}

Status GraphCache::launch(Sequence& sequence) {
  return device_.check(device_.driver().launch_graph(sequence.graph, device_.stream()),
                       "a step's graph");
}

Status GraphCache::record(CuEvent event) {
  return device_.check(device_.driver().record_event(event, device_.stream()), "a step's graph");
}

Status GraphCache::finish() {
  if (measured_ == nullptr) return Status::ok();
  Sequence& sequence = *std::exchange(measured_, nullptr);
  float ms = 0.0f;
  NEMO_TRY(device_.check(device_.driver().elapsed(&ms, begin_, end_), "a step's graph"));
  if (ms <= kMostMs) return Status::ok();
  destroy(sequence);
  sequence.is_refused = true;
  return Status::ok();
}

Status GraphCache::make_graph(Sequence& sequence) {
  for (CuEvent* event : {&begin_, &end_})
    if (*event == nullptr)
      NEMO_TRY(device_.check(device_.driver().create_event(event, 0), "making an event"));
  CuGraph graph = nullptr;
  Status status = capture(sequence, graph);
  if (status.is_ok())
    status = device_.check(device_.driver().instantiate_graph(&sequence.graph, graph, 0),
                           "a step's graph");
  if (graph == nullptr) return status;
  Status destroyed = device_.check(device_.driver().destroy_graph(graph), "a step's graph");
  return status.is_ok() ? destroyed : status;
}

// On a stream of our own: other work of a host's stream would be captured, too. What was begun is
// ended also where a launch failed; the driver then says so once more.
Status GraphCache::capture(const Sequence& sequence, CuGraph& graph) {
  const CuStream stream = device_.own_stream();
  NEMO_TRY(device_.check(device_.driver().begin_capture(stream, kCuCaptureThreadLocal),
                         "a step's graph"));
  Status status;
  for (const Launch& launch : sequence.launches)
    if (status.is_ok()) status = device_.launch(launch, stream);
  const CuResult ended = device_.driver().end_capture(stream, &graph);
  return status.is_ok() ? device_.check(ended, "a step's graph") : status;
}

void GraphCache::destroy(Sequence& sequence) noexcept {
  if (sequence.graph == nullptr) return;
  const CudaDevice::Entry entry(device_);
  if (entry.status().is_ok())
    (void)device_.check(device_.driver().destroy_executable(sequence.graph), "a step's graph");
  sequence.graph = nullptr;
}

GraphCache::~GraphCache() {
  clear();
  const CudaDevice::Entry entry(device_);
  if (!entry.status().is_ok()) return;
  for (const CuEvent event : {begin_, end_})
    if (event != nullptr) device_.driver().destroy_event(event);
}

void GraphCache::clear() noexcept {
  measured_ = nullptr;
  for (Sequence& sequence : sequences_) destroy(sequence);
  sequences_.clear();
}

}  // namespace nemotron
