// Products of quantized weights with int8 activations, for the level's own files.
#pragma once

#include "kernels/common/linear_params.h"

// Whether SDOT can be assembled: by GCC always, by Clang where the flags of the build have it.
#if !defined(__clang__) || defined(__ARM_FEATURE_DOTPROD)
#define NEMO_HAS_SDOT
#endif

namespace nemotron::kernels::neon {

struct DotProduct;  // SDOT: Neoverse N1, Cortex-A76 (Raspberry Pi 5) and later
struct Widening;    // for all others: SMULL, SMLAL, SADALP

// For packed types. The same bytes either way.
template <class Dot>
void linear_int8(const LinearParams& p, std::int64_t first, std::int64_t last);
extern template void linear_int8<DotProduct>(const LinearParams&, std::int64_t, std::int64_t);
extern template void linear_int8<Widening>(const LinearParams&, std::int64_t, std::int64_t);

}  // namespace nemotron::kernels::neon
