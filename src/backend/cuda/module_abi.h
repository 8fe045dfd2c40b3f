/* What libnemotron-cuda.so hands to libnemotron: device code, and what it needs to agree on. The
 * module holds no host code but the function below, so nothing else crosses between the two. */
#ifndef NEMOTRON_BACKEND_CUDA_MODULE_ABI_H
#define NEMOTRON_BACKEND_CUDA_MODULE_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Counts changes of these structs. */
#define NEMO_CUDA_MODULE_ABI 1

/* A fat binary: machine code for some architectures, and PTX that a driver compiles for others. */
typedef struct nemo_cuda_image {
  const void* data;
  uint64_t size_bytes;
} nemo_cuda_image;

typedef struct nemo_cuda_module {
  uint32_t abi_version; /* NEMO_CUDA_MODULE_ABI */
  uint32_t n_images;
  /* kernel_signature() of kernels/cuda/kernel_list.h: names and arguments. */
  uint64_t kernel_signature;
  uint32_t min_compute_capability; /* 75 for 7.5: the lowest that the images serve */
  uint32_t reserved;
  const char* description; /* "CUDA 13.0, sm_90, PTX compute_75" */
  const nemo_cuda_image* images;
} nemo_cuda_module;

/* NULL for an abi_version that the module does not speak. The struct lives as long as the
 * module. */
typedef const nemo_cuda_module* (*nemo_cuda_module_function)(uint32_t abi_version);
#define NEMO_CUDA_MODULE_FUNCTION "nemo_cuda_module_get"

#ifdef __cplusplus
}
#endif

#endif
