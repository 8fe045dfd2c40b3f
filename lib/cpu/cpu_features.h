// What this processor and its operating system can run. Asked once, when a kernel level is chosen.
#pragma once

namespace nemotron {

struct CpuFeatures {
  bool has_avx2_fma_f16c = false;  // and the system saves the YMM registers
};

CpuFeatures detect_cpu_features();

}  // namespace nemotron
