// The instruction sets of the `avx512` level: Zen 4 and later, Sapphire Rapids and later. Every
// function of the level carries them as an attribute; its files are built with baseline flags.
#pragma once

#include "kernels/cpu/intrinsics.h"

#define NEMO_TARGET_AVX512 \
  __attribute__((target(   \
      "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,avx512vbmi,avx2,fma,f16c")))
// For what must not survive as a function of its own: it is part of a loop.
#define NEMO_INLINE_AVX512 NEMO_TARGET_AVX512 __attribute__((always_inline)) inline
