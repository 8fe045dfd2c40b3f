// Rounding to narrow floats: each value maps to itself, what lies between two to the nearer one,
// and the middle to the even one.
#include "base/float_types.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

using namespace nemotron;

namespace {
// Counts the faults among the positive numbers [0, last] of a narrow type, and their negatives.
template <typename ToFloat, typename FromFloat>
int count_faults(unsigned last, unsigned sign, ToFloat to_float, FromFloat from_float) {
  int n_faults = 0;
  const auto check = [&](float value, unsigned expected) {
    n_faults += from_float(value) != expected;
    n_faults += from_float(-value) != (expected | sign);
  };
  for (unsigned i = 0; i <= last; ++i) {
    const float value = to_float(i);
    check(value, i);
    if (i == last) break;
    const float middle = (value + to_float(i + 1)) / 2;  // exact in float
    check(middle, i % 2 == 0 ? i : i + 1);
    check(std::nextafter(middle, 0.0f), i);
    check(std::nextafter(middle, INFINITY), i + 1);
  }
  return n_faults;
}
}  // namespace

TEST_CASE("float to half") {
  CHECK(count_faults(
            0x7bff, 0x8000, [](unsigned i) { return f16_to_float(static_cast<f16_bits>(i)); },
            [](float value) { return unsigned{float_to_f16(value)}; }) == 0);
  CHECK(float_to_f16(65519.996f) == 0x7bff);
  CHECK(float_to_f16(65520.0f) == 0x7c00);
  CHECK(float_to_f16(-INFINITY) == 0xfc00);
  CHECK(std::isnan(f16_to_float(float_to_f16(NAN))));
}

TEST_CASE("float to E4M3") {
  CHECK(count_faults(
            0x7e, 0x80, [](unsigned i) { return f8_e4m3_to_float(static_cast<f8_e4m3_bits>(i)); },
            [](float value) { return unsigned{float_to_f8_e4m3(value)}; }) == 0);
  CHECK(float_to_f8_e4m3(1e9f) == 0x7e);
  CHECK(float_to_f8_e4m3(-INFINITY) == 0xfe);
  CHECK(std::isnan(f8_e4m3_to_float(float_to_f8_e4m3(NAN))));
}
