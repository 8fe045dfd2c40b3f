// Anonymous pages: what an owner may rely on.
#include "io/page_buffer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <utility>

using namespace nemotron;

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
