// Random inputs and derived bounds for comparing kernels with plain double arithmetic.
#pragma once

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "cpu/cpu_features.h"
#include "kernels/cpu/kernel_table.h"

namespace nemotron::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2654435761u + 88172645463325252u) {}

  std::uint64_t bits() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  // In [-scale, scale).
  float real(float scale = 1.0f) {
    return scale * (static_cast<float>(bits() >> 40) * 0x1p-23f - 1.0f);
  }
  std::vector<float> reals(std::int64_t n, float scale = 1.0f) {
    std::vector<float> values(static_cast<std::size_t>(n));
    for (float& value : values) value = real(scale);
    return values;
  }

 private:
  std::uint64_t state_;
};

// Rounding of a sum of n products in f32, in any order: n * 2^-24 * sum |a b| (Higham, 3.1), twice.
inline double sum_bound(std::int64_t n, double sum_of_magnitudes) {
  return 2.0 * static_cast<double>(n + 4) * 0x1p-24 * sum_of_magnitudes;
}

inline std::vector<const kernels::KernelTable*> kernel_tables() {
  std::vector<const kernels::KernelTable*> tables = {&kernels::ref_kernels()};
  const CpuFeatures cpu = detect_cpu_features();
  if (cpu.has_avx2_fma_f16c) tables.push_back(kernels::avx2_kernels());
  if (cpu.has_avx_vnni) tables.push_back(kernels::avx2_vnni_kernels());
  if (cpu.has_avx512) tables.push_back(kernels::avx512_kernels());
  for (const bool has_dot_product : {false, true}) {
    const kernels::KernelTable* neon = kernels::neon_kernels(has_dot_product);
    if (neon != nullptr && (!has_dot_product || cpu.has_dot_product)) tables.push_back(neon);
  }
  return tables;
}

inline void check_close(const std::vector<float>& found, const std::vector<double>& expected,
                        double bound) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!(std::abs(found[i] - expected[i]) <= bound)) {
      INFO("at " << i << ": " << found[i] << ", expected " << expected[i] << " +- " << bound);
      FAIL_CHECK();
    }
  }
}

inline std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

inline bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

}  // namespace nemotron::test
