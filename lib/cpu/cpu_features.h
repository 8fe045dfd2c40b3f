// What this processor and its operating system can run. Asked once, when a kernel level is chosen.
#pragma once

namespace nemotron {

struct CpuFeatures {
  bool has_avx2_fma_f16c = false;  // and the system saves the YMM registers
  bool has_avx_vnni = false;       // and what is above
  bool has_avx512 = false;  // F, BW, DQ, VL, VNNI, BF16, VBMI, what AVX2 means above, and saved ZMM
  bool has_dot_product = false;  // SDOT and UDOT of 64-bit ARM, all of which have NEON
};

CpuFeatures detect_cpu_features();

}  // namespace nemotron
