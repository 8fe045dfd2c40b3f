// Which kernel level runs: asked for by the host, or the best that the processor has.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "kernels/cpu/kernel_table.h"

namespace nemotron::api {

// `isa` is a NEMO_ISA_ value. kNoDevice, kInvalidArgument.
Result<const kernels::KernelTable*> choose_kernels(std::uint32_t isa);

}  // namespace nemotron::api
