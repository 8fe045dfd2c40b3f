// Gives the files of some folders, one after another, to a fuzz target: what the fuzzer found stays
// found in every build, without it. Also measures what libFuzzer only bounds from above: the memory
// an input makes the library hold, against the input's size.
//   replay_<target> FOLDER...
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::atomic<std::size_t> live_bytes = 0;
std::atomic<std::size_t> peak_bytes = 0;

// Parsers' buffers and tables, and then so many bytes for each of the file: strings of a vocabulary
// (32 bytes for an entry of 8), trees of JSON (about 130 for a value of 2).
constexpr std::size_t kFixedBytes = std::size_t{2} << 20;
constexpr std::size_t kBytesPerByte = 100;

std::size_t peak_of(const std::string& bytes) {
  const std::size_t before = live_bytes;
  peak_bytes = before;
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  return peak_bytes - before;
}

}  // namespace

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) return nullptr;
  const std::size_t live = live_bytes += ::malloc_usable_size(memory);
  if (live > peak_bytes) peak_bytes = live;
  return memory;
}
void* operator new(std::size_t size) {
  void* memory = operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept {
  if (memory != nullptr) live_bytes -= ::malloc_usable_size(memory);
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

int main(int argc, char** argv) {
  std::size_t n_files = 0, largest = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream stream(entry.path(), std::ios::binary);
      const std::string bytes(std::istreambuf_iterator<char>(stream), {});
      const std::size_t peak = peak_of(bytes);
      largest = std::max(largest, peak);
      ++n_files;
      if (peak <= kFixedBytes + kBytesPerByte * bytes.size()) continue;
      std::fprintf(stderr, "%s: %zu bytes made the library hold %zu\n", entry.path().c_str(),
                   bytes.size(), peak);
      return 1;
    }
  }
  std::printf("%zu inputs; at most %zu bytes held\n", n_files, largest);
  return n_files == 0 ? 1 : 0;
}
