// Anonymous pages: what an owner may rely on.
#include "io/page_buffer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

using namespace nemotron;

namespace {

// The line "VmFlags: rd wr ..." of the mapping that holds `address`; empty where the system has
// none.
std::string vm_flags_of(const std::byte* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream smaps("/proc/self/smaps");
  bool is_wanted = false;
  for (std::string line; std::getline(smaps, line);) {
    std::istringstream words(line);
    std::uintptr_t first = 0;
    std::uintptr_t last = 0;
    char dash = 0;
    // A mapping begins with "7f0000000000-7f0000400000 rw-p".
    if (words >> std::hex >> first >> dash >> last && dash == '-')
      is_wanted = first <= wanted && wanted < last;
    if (is_wanted && line.starts_with("VmFlags:")) return line + ' ';
  }
  return {};
}

}  // namespace

TEST_CASE("pages are zeroed, writable and aligned, with and without huge pages") {
  const std::size_t size =
      GENERATE(std::size_t{1}, std::size_t{4097}, PageBuffer::kHugePageThresholdBytes + 5);
  PageBuffer buffer = PageBuffer::allocate(size);
  REQUIRE(buffer.is_valid());
  CHECK(buffer.size_bytes() == size);
  CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % 4096 == 0);
  CHECK(std::all_of(buffer.bytes().begin(), buffer.bytes().end(),
                    [](std::byte b) { return b == std::byte{0}; }));
  buffer.data()[size - 1] = std::byte{7};
  CHECK(buffer.bytes().back() == std::byte{7});
}

TEST_CASE("a size of zero is valid, an impossible one is not") {
  CHECK(PageBuffer::allocate(0).is_valid());
  CHECK(PageBuffer::allocate(0).size_bytes() == 0);
  CHECK_FALSE(PageBuffer::allocate(SIZE_MAX / 2).is_valid());
  CHECK_FALSE(PageBuffer().is_valid());
}

TEST_CASE("moving hands the pages over") {
  PageBuffer a = PageBuffer::allocate(100);
  const std::byte* data = a.data();
  PageBuffer b = std::move(a);
  CHECK(b.data() == data);
  CHECK_FALSE(a.is_valid());  // NOLINT: what a moved-from buffer is, is promised
  PageBuffer c = PageBuffer::allocate(50);
  c = std::move(b);
  CHECK(c.data() == data);
  CHECK(c.size_bytes() == 100);
}

TEST_CASE("large buffers ask for huge pages, or for small ones") {
  constexpr std::size_t kSize = 2 * PageBuffer::kHugePageThresholdBytes;
  const auto flags_with = [](PageSize pages, std::size_t size) {
    const PageBuffer buffer = PageBuffer::allocate(size, {}, pages);
    REQUIRE(buffer.is_valid());
    return vm_flags_of(buffer.data());
  };
  const std::string huge = flags_with(PageSize::kHuge, kSize);
  if (huge.empty()) {
    WARN("skipped: /proc/self/smaps has no VmFlags");
    return;
  }
  const auto has = [](const std::string& flags, const char* flag) {
    return flags.find(flag) != std::string::npos;
  };
  CHECK(has(huge, " hg "));
  CHECK_FALSE(has(huge, " nh "));
  const std::string small = flags_with(PageSize::kSmall, kSize);
  CHECK(has(small, " nh "));
  CHECK_FALSE(has(small, " hg "));
  const std::string little = flags_with(PageSize::kHuge, 4096);
  CHECK_FALSE(has(little, " hg "));
}
