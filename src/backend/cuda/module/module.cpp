// libnemotron-cuda.so: the compiled kernels, and the one function that hands them out.
#include "backend/cuda/module_abi.h"
#include "kernels/cuda/kernel_list.h"

// images.inc: NEMO_IMAGE(name, "path of its fat binary") for each, written by CMake.
#define NEMO_IMAGE(name, path)                                                     \
  asm(".pushsection .rodata\n.balign 64\nnemo_image_" #name ":\n.incbin \"" path   \
      "\"\n"                                                                       \
      "nemo_image_" #name "_end:\n.popsection\n");                                 \
  extern "C" __attribute__((visibility("hidden"))) const char nemo_image_##name[]; \
  extern "C" __attribute__((visibility("hidden"))) const char nemo_image_##name##_end[];
#include "images.inc"
#undef NEMO_IMAGE

extern "C" __attribute__((visibility("default"))) const nemo_cuda_module* nemo_cuda_module_get(
    std::uint32_t abi_version) {
  static const nemo_cuda_image kImages[] = {
#define NEMO_IMAGE(name, path) \
  {nemo_image_##name, static_cast<std::uint64_t>(nemo_image_##name##_end - nemo_image_##name)},
#include "images.inc"
#undef NEMO_IMAGE
  };
  static const nemo_cuda_module kModule = {NEMO_CUDA_MODULE_ABI,
                                           sizeof kImages / sizeof kImages[0],
                                           nemotron::kernels::cuda::kernel_signature(),
                                           NEMO_CUDA_LEAST,
                                           0,
                                           NEMO_CUDA_DESCRIPTION,
                                           kImages};
  return abi_version == NEMO_CUDA_MODULE_ABI ? &kModule : nullptr;
}
