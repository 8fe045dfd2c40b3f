#include "calibration.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#include "nemotron/nemotron.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = std::size_t{512} << 20;  // more than any cache; shared out
constexpr int kRepeats = 30;
constexpr int kLeastRepeats = 3;  // where all would take longer than kPatience
constexpr auto kPatience = std::chrono::milliseconds(1500);
volatile std::uint64_t sink;  // what keeps the compiler from leaving the work out

// Seconds that n threads need for work(thread) together; the best of several, since whatever else
// runs on the machine can only make it slower.
double best_seconds(unsigned n_threads, const std::function<void(unsigned)>& work) {
  double best = 1e9;
  const auto deadline = Clock::now() + kPatience;
  for (int i = 0; i < kRepeats && (i < kLeastRepeats || Clock::now() < deadline); ++i) {
    std::vector<std::thread> threads;
    const auto start = Clock::now();
    for (unsigned t = 1; t < n_threads; ++t) threads.emplace_back(work, t);
    work(0);
    for (std::thread& thread : threads) thread.join();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

double measure_reading(unsigned n_threads) {
  const std::vector<std::uint64_t> memory(kReadBytes / sizeof(std::uint64_t), 1);
  const std::size_t share = memory.size() / n_threads;
  const double seconds = best_seconds(n_threads, [&](unsigned thread) {
    std::uint64_t sums[8] = {};
    const std::uint64_t* from = memory.data() + thread * share;
    for (std::size_t i = 0; i + 8 <= share; i += 8)
      for (std::size_t k = 0; k < 8; ++k) sums[k] += from[i + k];
    sink = sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
  });
  return static_cast<double>(share * n_threads * sizeof(std::uint64_t)) / seconds;
}

#if defined(__x86_64__)
constexpr int kChains = 12;  // enough to hide the latency of one
constexpr int kSteps = 2'000'000;

__attribute__((target("avx512f,avx512vnni"))) void int8_avx512_work() {
  __m512i sums[kChains];
  for (__m512i& sum : sums) sum = _mm512_set1_epi32(1);
  __m512i a = _mm512_set1_epi8(3);
  __m512i b = _mm512_set1_epi8(1);
  for (int i = 0; i < kSteps; ++i) {
    asm volatile("" : "+v"(a), "+v"(b));
#pragma GCC unroll 12
    for (int k = 0; k < kChains; ++k) sums[k] = _mm512_dpbusd_epi32(sums[k], a, b);
  }
  alignas(64) std::int32_t lanes[16];
  for (const __m512i& sum : sums) {
    _mm512_store_si512(lanes, sum);
    sink = static_cast<std::uint64_t>(lanes[0]);
  }
}

__attribute__((target("avx2,avxvnni"))) void int8_avx_vnni_work() {
  __m256i sums[kChains];
  for (__m256i& sum : sums) sum = _mm256_set1_epi32(1);
  __m256i a = _mm256_set1_epi8(3);
  __m256i b = _mm256_set1_epi8(1);
  for (int i = 0; i < kSteps; ++i) {
    asm volatile("" : "+x"(a), "+x"(b));
#pragma GCC unroll 12
    for (int k = 0; k < kChains; ++k) sums[k] = _mm256_dpbusd_avx_epi32(sums[k], a, b);
  }
  for (const __m256i& sum : sums) sink = static_cast<std::uint64_t>(_mm256_extract_epi32(sum, 0));
}

// Sums stay in 16 bits: with as few instructions as a product without VNNI can have.
__attribute__((target("avx2"))) void int8_avx2_work() {
  __m256i sums[kChains];
  for (__m256i& sum : sums) sum = _mm256_set1_epi16(1);
  __m256i a = _mm256_set1_epi8(3);
  __m256i b = _mm256_set1_epi8(1);
  for (int i = 0; i < kSteps; ++i) {
    asm volatile("" : "+x"(a), "+x"(b));
#pragma GCC unroll 12
    for (int k = 0; k < kChains; ++k) {
      __m256i pairs = _mm256_maddubs_epi16(a, b);
      asm volatile("" : "+x"(pairs));  // each time anew
      sums[k] = _mm256_add_epi16(sums[k], pairs);
    }
  }
  for (const __m256i& sum : sums) sink = static_cast<std::uint64_t>(_mm256_extract_epi32(sum, 0));
}

__attribute__((target("avx512f,avx512bf16"))) void bf16_work() {
  __m512 sums[kChains];
  for (__m512& sum : sums) sum = _mm512_set1_ps(1.0f);
  __m512i a = _mm512_set1_epi16(0x3f00);  // 0.5
  __m512i b = _mm512_set1_epi16(0x3e80);  // 0.25
  for (int i = 0; i < kSteps; ++i) {
    asm volatile("" : "+v"(a), "+v"(b));
#pragma GCC unroll 12
    for (int k = 0; k < kChains; ++k) sums[k] = _mm512_dpbf16_ps(sums[k], (__m512bh)a, (__m512bh)b);
  }
  alignas(64) float lanes[16];
  for (const __m512& sum : sums) {
    _mm512_store_ps(lanes, sum);
    sink = static_cast<std::uint64_t>(lanes[0]);
  }
}

__attribute__((target("avx512f"))) void f32_avx512_work() {
  __m512 sums[kChains];
  for (__m512& sum : sums) sum = _mm512_set1_ps(1.0f);
  __m512 a = _mm512_set1_ps(0.5f);
  __m512 b = _mm512_set1_ps(0.25f);
  for (int i = 0; i < kSteps; ++i) {
    asm volatile("" : "+v"(a), "+v"(b));
#pragma GCC unroll 12
    for (int k = 0; k < kChains; ++k) sums[k] = _mm512_fmadd_ps(sums[k], a, b);
  }
  for (__m512& sum : sums) sink = static_cast<std::uint64_t>(_mm512_cvtss_f32(sum));
}

__attribute__((target("avx2,fma"))) void f32_avx2_work() {
  __m256 sums[kChains];
  for (__m256& sum : sums) sum = _mm256_set1_ps(1.0f);
  __m256 a = _mm256_set1_ps(0.5f);
  __m256 b = _mm256_set1_ps(0.25f);
  for (int i = 0; i < kSteps; ++i) {
    asm volatile("" : "+x"(a), "+x"(b));
#pragma GCC unroll 12
    for (int k = 0; k < kChains; ++k) sums[k] = _mm256_fmadd_ps(sums[k], a, b);
  }
  for (__m256& sum : sums) sink = static_cast<std::uint64_t>(_mm256_cvtss_f32(sum));
}

bool has_avx_vnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & (1u << 4)) != 0;
}

double measure_ops(unsigned n_threads, void (*work)(), int lanes) {
  const double seconds = best_seconds(n_threads, [&](unsigned) { work(); });
  return 2.0 * lanes * kChains * kSteps * n_threads / seconds;
}
#endif

}  // namespace

MachineLimits measure_machine(unsigned n_threads, [[maybe_unused]] std::uint32_t isa) {
  MachineLimits limits;
  limits.read_bytes_per_s = measure_reading(n_threads);
#if defined(__x86_64__)
  if (isa == NEMO_ISA_AVX512) {
    limits.int8_ops_per_s = measure_ops(n_threads, int8_avx512_work, 64);
    limits.bf16_ops_per_s = measure_ops(n_threads, bf16_work, 32);
    limits.f32_ops_per_s = measure_ops(n_threads, f32_avx512_work, 16);
    return limits;
  }
  if (isa == NEMO_ISA_AVX2)
    limits.int8_ops_per_s =
        measure_ops(n_threads, has_avx_vnni() ? int8_avx_vnni_work : int8_avx2_work, 32);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    limits.f32_ops_per_s = measure_ops(n_threads, f32_avx2_work, 8);
#endif
  return limits;
}
