// What this machine allows, measured: how fast memory is read, and how many multiplications fit
// into a second. The best of many short runs, so that what else runs on the machine counts little.
#pragma once

#include <cstdint>

// Multiply and add count as two; 0 where the level has no such instruction.
struct MachineLimits {
  double read_bytes_per_s = 0;  // n threads reading memory that no cache holds
  double int8_ops_per_s = 0;    // vpdpbusd; at NEMO_ISA_AVX2 vpmaddubsw, without AVX-VNNI
  double bf16_ops_per_s = 0;    // vdpbf16ps, pairs into f32
  double f32_ops_per_s = 0;     // FMA; of AVX2 at NEMO_ISA_REF, where there is one
};

// With n_threads threads and the instructions of a NEMO_ISA_ level that the processor has. On ARM
// reading alone is measured.
MachineLimits measure_machine(unsigned n_threads, std::uint32_t isa);
