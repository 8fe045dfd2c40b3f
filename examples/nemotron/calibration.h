// What this machine allows, measured: how fast memory is read, and how many multiplications fit
// into a second. The best of many short runs, so that what else runs on the machine counts little.
#pragma once

struct MachineLimits {
  double read_bytes_per_s = 0;  // n threads reading memory that no cache holds
  double int8_ops_per_s = 0;    // multiply and add count as two; 0 where there is no vpdpbusd
  double bf16_ops_per_s = 0;    // as pairs into f32; 0 where there is no vdpbf16ps
  double f32_ops_per_s = 0;     // FMA of AVX-512 where there is one, else of AVX2; 0 elsewhere
};

MachineLimits measure_machine(unsigned n_threads);
