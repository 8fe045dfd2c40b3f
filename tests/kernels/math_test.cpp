#include "kernels/common/math.h"

#include <cstring>
#include <limits>

#include "kernel_test.h"
#if defined(__x86_64__)
#include "kernels/cpu/avx2/vector_math.h"
#include "kernels/cpu/avx512/vector_math.h"
#elif defined(__aarch64__)
#include "kernels/cpu/neon/vector_math.h"
#endif

using namespace nemotron::kernels;

namespace {
constexpr double kUlp = 0x1p-23;

double relative_error(double found, double expected) {
  return expected == 0 ? std::abs(found) : std::abs(found - expected) / std::abs(expected);
}
}  // namespace

TEST_CASE("exp is within two units in the last place") {
  double worst = 0;
  for (double x = -87.0; x < 88.7; x += 0.000731) {
    const auto rounded = static_cast<float>(x);
    worst = std::max(worst, relative_error(exp_f32(rounded), std::exp(double{rounded})));
  }
  CHECK(worst <= 2 * kUlp);
}

TEST_CASE("exp at its ends") {
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(exp_f32(0.0f) == 1.0f);
  CHECK(exp_f32(-infinity) == 0.0f);
  CHECK(exp_f32(-1e30f) == 0.0f);
  CHECK(exp_f32(89.0f) == infinity);
  CHECK(exp_f32(infinity) == infinity);
  CHECK(std::isnan(exp_f32(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("silu and softplus are within four units in the last place") {
  double worst_silu = 0;
  double worst_softplus = 0;
  for (double x = -80.0; x < 80.0; x += 0.000713) {
    const auto v = static_cast<float>(x);
    worst_silu =
        std::max(worst_silu, relative_error(silu_f32(v), v / (1.0 + std::exp(-double{v}))));
    worst_softplus =
        std::max(worst_softplus, relative_error(softplus_f32(v), std::log1p(std::exp(double{v}))));
  }
  CHECK(worst_silu <= 4 * kUlp);
  CHECK(worst_softplus <= 4 * kUlp);
}

#if defined(__x86_64__) || defined(__aarch64__)
namespace {
void check_bits(const float* x, const float* exp, const float* silu, int n) {
  for (int i = 0; i < n; ++i) {
    const float expected_exp = exp_f32(x[i]);
    const float expected_silu = silu_f32(x[i]);
    if (std::memcmp(&exp[i], &expected_exp, 4) != 0) FAIL_CHECK("exp of " << x[i]);
    if (std::memcmp(&silu[i], &expected_silu, 4) != 0) FAIL_CHECK("silu of " << x[i]);
  }
}
}  // namespace
#endif

#if defined(__aarch64__)
TEST_CASE("exp and silu of four lanes have the bits of one") {
  nemotron::test::Random random(11);
  for (const float range : {1.0f, 30.0f, 120.0f, 1e30f}) {
    for (int round = 0; round < 4000; ++round) {
      const std::vector<float> x = random.reals(4, range);
      float exp[4];
      float silu[4];
      vst1q_f32(exp, neon::exp_ps(vld1q_f32(x.data())));
      vst1q_f32(silu, neon::silu_ps(vld1q_f32(x.data())));
      check_bits(x.data(), exp, silu, 4);
    }
  }
}
#endif

#if defined(__x86_64__)
namespace {
NEMO_TARGET_AVX512 void check_sixteen(const float* x) {
  float exp[16];
  float silu[16];
  _mm512_storeu_ps(exp, avx512::exp_ps(_mm512_loadu_ps(x)));
  _mm512_storeu_ps(silu, avx512::silu_ps(_mm512_loadu_ps(x)));
  check_bits(x, exp, silu, 16);
}
NEMO_TARGET_AVX2 void check_eight(const float* x) {
  float exp[8];
  float silu[8];
  _mm256_storeu_ps(exp, avx2::exp_ps(_mm256_loadu_ps(x)));
  _mm256_storeu_ps(silu, avx2::silu_ps(_mm256_loadu_ps(x)));
  check_bits(x, exp, silu, 8);
}
}  // namespace

TEST_CASE("exp and silu of eight lanes have the bits of one") {
  if (!nemotron::detect_cpu_features().has_avx2_fma_f16c) return;
  nemotron::test::Random random(10);
  for (const float range : {1.0f, 30.0f, 120.0f, 1e30f}) {
    for (int round = 0; round < 2000; ++round) check_eight(random.reals(8, range).data());
  }
}

TEST_CASE("exp and silu of sixteen lanes have the bits of one") {
  if (!nemotron::detect_cpu_features().has_avx512) return;
  nemotron::test::Random random(9);
  for (const float range : {1.0f, 30.0f, 120.0f, 1e30f}) {
    for (int round = 0; round < 2000; ++round) check_sixteen(random.reals(16, range).data());
  }
}
#endif
