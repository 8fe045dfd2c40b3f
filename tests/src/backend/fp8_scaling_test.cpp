// The rounding to E4M3 against a search among all 256 numbers of the format.
#include "backend/cpu/fp8_scaling.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/float_types.h"

using namespace nemotron;

namespace {
// Nearest, ties to the even code, saturating.
float nearest(float value) {
  float best = 0;
  unsigned best_code = 0;
  double best_distance = std::numeric_limits<double>::infinity();
  for (unsigned code = 0; code < 0x7f; ++code) {
    const float candidate = f8_e4m3_to_float(static_cast<f8_e4m3_bits>(code));
    const double distance = std::abs(double{candidate} - std::abs(double{value}));
    if (distance > best_distance || (distance == best_distance && best_code % 2 == 0)) continue;
    best = candidate;
    best_code = code;
    best_distance = distance;
  }
  return std::copysign(best, value);
}
}  // namespace

TEST_CASE("rounding to E4M3 finds the nearest number") {
  for (unsigned code = 0; code < 0x7f; ++code) {
    const float here = f8_e4m3_to_float(static_cast<f8_e4m3_bits>(code));
    CHECK(round_to_f8_e4m3(here) == here);
    CHECK(round_to_f8_e4m3(-here) == -here);
    if (code == 0x7e) break;
    const float middle = (here + f8_e4m3_to_float(static_cast<f8_e4m3_bits>(code + 1))) / 2;
    for (const float value : {middle, std::nextafter(middle, 0.0f), std::nextafter(middle, 999.0f)})
      CHECK(round_to_f8_e4m3(value) == nearest(value));
  }
  std::mt19937 random(5);
  std::uniform_real_distribution<float> exponent(-14.0f, 10.0f);
  for (int i = 0; i < 20000; ++i) {
    const float value = (i % 2 == 0 ? 1.0f : -1.0f) * std::exp2(exponent(random));
    if (round_to_f8_e4m3(value) != nearest(value)) FAIL(value);
  }
  CHECK(round_to_f8_e4m3(1e30f) == 448.0f);
  CHECK(round_to_f8_e4m3(-std::numeric_limits<float>::infinity()) == -448.0f);
  CHECK(std::isnan(round_to_f8_e4m3(std::numeric_limits<float>::quiet_NaN())));
  CHECK(std::signbit(round_to_f8_e4m3(-1e-9f)));
}

TEST_CASE("columns are scaled in every row, and no others") {
  std::vector<float> y = {1, 2, 3, 9, 4, 5, 6, 9};
  scale_columns({y.data(), 2, 3, 4}, 1, 3, 2.0f);
  CHECK(y == std::vector<float>{1, 4, 6, 9, 4, 10, 12, 9});
}
