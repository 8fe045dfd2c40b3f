// Sequences of launches that came before, as CUDA graphs: a decode step of the same shape is the
// same launches, to the byte (what changes from step to step lies in memory that they read), so the
// device can be given all of them in one call.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/cuda/cuda_device.h"

namespace nemotron {

// Not used by two threads at once.
class GraphCache {
 public:
  static constexpr std::size_t kMostSequences = 16;   // remembered; the least recently used goes
  static constexpr std::size_t kMostLaunches = 1024;  // of one; each takes 224 bytes
  // Who cancels waits for a graph that has begun: what takes longer is not one.
  static constexpr float kMostMs = 10.0f;

  explicit GraphCache(CudaDevice& device) : device_(device) {}
  ~GraphCache();
  GraphCache(const GraphCache&) = delete;
  GraphCache& operator=(const GraphCache&) = delete;

  // Inside an Entry: enqueues the launches as one graph. False where they are to be enqueued one by
  // one: when they come for the first time, since most prompts come only once, when they are too
  // many or took too long, and when there is no memory for a graph. kDeviceLost.
  Result<bool> enqueue(std::span<const kernels::cuda::Launch> launches);
  // Inside an Entry: the device is done with what was enqueued.
  Status finish();
  // Forgets all. The device is done with them.
  void clear() noexcept;

 private:
  struct Sequence {
    std::vector<kernels::cuda::Launch> launches;
    std::uint64_t last_use = 0;
    CuGraphExec graph = nullptr;
    int n_launches = 0;
    bool is_refused = false;  // there was no memory for it, or it takes too long
  };

  Sequence* find(std::span<const kernels::cuda::Launch> launches);
  void remember(std::span<const kernels::cuda::Launch> launches);
  Status enqueue(Sequence& sequence);
  Status capture(const Sequence& sequence, CuGraph& graph);
  Status make_graph(Sequence& sequence);
  Status launch(Sequence& sequence);
  Status record(CuEvent event);
  void destroy(Sequence& sequence) noexcept;

  CudaDevice& device_;
  std::vector<Sequence> sequences_;
  std::uint64_t n_uses_ = 0;
  CuEvent begin_ = nullptr, end_ = nullptr;  // of a launch that is measured
  Sequence* measured_ = nullptr;             // whose that is, until finish()
};

}  // namespace nemotron
