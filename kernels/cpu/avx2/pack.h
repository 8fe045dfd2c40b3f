// Rows of a file to packed tiles, for every level that has AVX2.
#pragma once

#include "kernels/cpu/packed_weight.h"

namespace nemotron::kernels::avx2 {

// kNone keeps the rows.
void pack_tile_as(PackedForm form, const PackTileParams& p);

}  // namespace nemotron::kernels::avx2
