// How long operations take on the device: an event before the launches of each, and one behind the
// last of a window of them. Off until it is asked for; steps are not graphs then.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "backend/cuda/cuda_device.h"
#include "backend/work_profile.h"

namespace nemotron {

class LaunchProfile {
 public:
  static constexpr std::size_t kWindowLaunches = 8;  // at most, of a window
  static constexpr std::size_t kMostWindows = 2;

  explicit LaunchProfile(CudaDevice& device) : device_(device) {}
  ~LaunchProfile();
  LaunchProfile(const LaunchProfile&) = delete;
  LaunchProfile& operator=(const LaunchProfile&) = delete;

  // Makes the events, and room for marks. bad_alloc.
  Status reserve(std::size_t n_launches);
  WorkProfile& totals() { return totals_; }
  const WorkProfile& totals() const { return totals_; }

  // Recording: launches from that one on are this work.
  void mark(std::size_t launch, const WorkShape& shape, const WorkAmount& amount);
  bool has_marks() const { return !marks_.empty(); }
  void forget();

  // Running, inside an Entry; without marks they do nothing. Before each launch, in order; behind
  // the last of the window; when the device is done with it.
  Status before(std::size_t window, std::size_t launch);
  Status end(std::size_t window);
  Status collect(std::size_t window);

 private:
  struct Mark {
    std::size_t first_launch = 0;
    WorkShape shape;
    WorkAmount amount;
  };
  struct Part {  // of an operation, in one window
    std::size_t mark = 0;
    bool is_first = false;
  };
  struct Window {
    std::array<CuEvent, kWindowLaunches + 1> events =
        {};  // the beginning of each part, and the end
    std::array<Part, kWindowLaunches> parts;
    std::size_t n_parts = 0;
  };
  Status record(CuEvent event);

  CudaDevice& device_;
  WorkProfile totals_;
  std::vector<Mark> marks_;
  std::size_t next_mark_ = 0;  // the first whose launches have not begun
  std::array<Window, kMostWindows> windows_;
};

}  // namespace nemotron
