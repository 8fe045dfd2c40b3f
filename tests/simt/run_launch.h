// Runs a launch of a CUDA kernel on the host.
#pragma once

#include <string>

#include "kernels/cuda/launch.h"

namespace simt {

// "" or what is wrong, with the kernel's name.
std::string run_launch(const nemotron::kernels::cuda::Launch& launch);

}  // namespace simt
