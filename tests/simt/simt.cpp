#include "simt/simt.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "simt/fibre.h"

#if defined(__x86_64__)
// System V ABI: these six registers, and the stack pointer, are all that a function must keep.
asm(R"(
.text
.globl nemo_simt_switch
.hidden nemo_simt_switch
.type nemo_simt_switch, @function
nemo_simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size nemo_simt_switch, .-nemo_simt_switch
)");
#endif

namespace simt {

Index3 thread_index, block_index, block_size, grid_size;

#if defined(__x86_64__)
void FibrePoint::prepare(std::byte* stack, std::size_t size_bytes, void (*entry)()) {
  // As a call would leave it: 8 bytes past a multiple of 16, the return address below.
  auto top = reinterpret_cast<std::uintptr_t>(stack + size_bytes) & ~std::uintptr_t{15};
  auto* words = reinterpret_cast<std::uintptr_t*>(top) - 8;
  std::fill_n(words, 8, std::uintptr_t{0});
  words[6] = reinterpret_cast<std::uintptr_t>(entry);
  stack_pointer = words;
}
#endif

namespace {

constexpr unsigned kWarp = 32;
constexpr std::size_t kStackBytes = 64 << 10;  // more than any device gives a thread

// A meeting of threads: those that arrived wait for the next generation.
struct Meeting {
  unsigned n_members = 0;  // that have not finished
  unsigned n_arrived = 0;
  std::uint64_t generation = 0;
};

struct Thread {
  FibrePoint point;
  std::unique_ptr<std::byte[]> stack = std::make_unique<std::byte[]>(kStackBytes);
  Index3 index;
  bool is_done = false;
  Meeting* waits_for = nullptr;
  std::uint64_t generation = 0;  // in which it arrived
  std::uint64_t n_exchanges = 0;
  AsyncCopies copies;
};

struct Warp {
  Meeting meeting;
  // Of this exchange and of the one before, which some still read.
  std::uint32_t words[2][kWarp][kMostSharedWords] = {};
};

struct Machine {
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  Meeting block;
  std::vector<std::uint8_t> shared;
  FibrePoint scheduler;
  Thread* current = nullptr;
  const std::function<void()>* kernel = nullptr;
  std::uint64_t n_switches = 0;
};

Machine& machine() {
  static Machine the_machine;
  return the_machine;
}

void leave() {
  Machine& m = machine();
  switch_fibre(m.current->point, m.scheduler);
}

void release_if_complete(Meeting& meeting) {
  if (meeting.n_arrived < meeting.n_members || meeting.n_members == 0) return;
  meeting.n_arrived = 0;
  ++meeting.generation;
}

void meet(Meeting& meeting) {
  Thread& self = *machine().current;
  self.generation = meeting.generation;
  self.waits_for = &meeting;
  ++meeting.n_arrived;
  release_if_complete(meeting);
  while (meeting.generation == self.generation) leave();
  self.waits_for = nullptr;
}

void thread_main() {
  Machine& m = machine();
  (*m.kernel)();
  Thread& self = *m.current;
  self.is_done = true;
  // A block's barrier does not wait for who has returned (so since Volta); an exchange does, and
  // so shows that a lane is missing.
  --m.block.n_members;
  release_if_complete(m.block);
  for (;;) leave();
}

void prepare_block(Machine& m, unsigned n_threads) {
  m.threads.resize(std::max<std::size_t>(m.threads.size(), n_threads));
  m.warps.assign((n_threads + kWarp - 1) / kWarp, {});
  m.block = {n_threads, 0, 0};
  std::fill(m.shared.begin(), m.shared.end(), std::uint8_t{0xff});
  for (unsigned t = 0; t < n_threads; ++t) {
    Thread& thread = m.threads[t];
    thread.point.prepare(thread.stack.get(), kStackBytes, thread_main);
    thread.index = {t, 0, 0};
    thread.is_done = false;
    thread.waits_for = nullptr;
    thread.n_exchanges = 0;
    thread.copies = {};
    ++m.warps[t / kWarp].meeting.n_members;
  }
}

// One turn of every thread of a warp that can run. The number that did.
unsigned run_once(Machine& m, unsigned first, unsigned end, unsigned& n_done) {
  unsigned n_run = 0;
  n_done = 0;
  for (unsigned t = first; t < end; ++t) {
    Thread& thread = m.threads[t];
    const bool waits =
        thread.waits_for != nullptr && thread.waits_for->generation == thread.generation;
    if (!thread.is_done && !waits) {
      m.current = &thread;
      thread_index = thread.index;
      ++m.n_switches;
      ++n_run;
      switch_fibre(m.scheduler, thread.point);
    }
    n_done += thread.is_done ? 1 : 0;
  }
  return n_run;
}

// Warps one after the other, each as far as it comes. How many threads are done; none has run where
// n_run stays zero.
unsigned run_warps(Machine& m, unsigned n_threads, unsigned& n_run) {
  unsigned n_done = 0;
  for (unsigned first = 0; first < n_threads; first += kWarp) {
    unsigned n_done_here = 0;
    while (const unsigned n = run_once(m, first, std::min(first + kWarp, n_threads), n_done_here))
      n_run += n;
    n_done += n_done_here;
  }
  return n_done;
}

std::string run_block(Machine& m, unsigned n_threads) {
  prepare_block(m, n_threads);
  for (unsigned n_done = 0; n_done < n_threads;) {
    unsigned n_run = 0;
    n_done = run_warps(m, n_threads, n_run);
    if (n_run > 0) continue;
    return "block " + std::to_string(block_index.x) + ", " + std::to_string(block_index.y) + ": " +
           std::to_string(n_threads - n_done) + " threads wait for others that never come";
  }
  return {};
}

}  // namespace

void sync_block() { meet(machine().block); }

AsyncCopies& async_copies() { return machine().current->copies; }

std::uint8_t* dynamic_shared() { return machine().shared.data(); }

unsigned lane_index() { return machine().current->index.x % kWarp; }

const std::uint32_t (*share_words(const std::uint32_t* words, int n))[kMostSharedWords] {
  Machine& m = machine();
  Thread& self = *m.current;
  Warp& warp = m.warps[self.index.x / kWarp];
  auto& shared = warp.words[self.n_exchanges++ % 2];
  std::copy_n(words, n, shared[lane_index()]);
  meet(warp.meeting);
  return shared;
}

std::string run(Index3 grid, unsigned n_threads, const std::function<void()>& kernel,
                std::size_t shared_bytes) {
  Machine& m = machine();
  m.shared = std::vector<std::uint8_t>(shared_bytes);  // of exactly that size: sanitizers look
  m.kernel = &kernel;
  grid_size = grid;
  block_size = {n_threads, 1, 1};
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = 0; x < grid.x; ++x) {
        block_index = {x, y, z};
        std::string fault = run_block(m, n_threads);
        if (!fault.empty()) return fault;
      }
  return {};
}

std::uint64_t n_switches() { return machine().n_switches; }

}  // namespace simt
