# The CUDA Toolkit, where there is one: nvcc compiles the kernels of libnemotron-cuda.so. No other part
# needs it, and no part links it.
set(NEMO_CUDA AUTO CACHE STRING "libnemotron-cuda.so, the kernels for GPUs: ON, OFF or AUTO (if nvcc is found)")
set_property(CACHE NEMO_CUDA PROPERTY STRINGS AUTO ON OFF)
set(NEMO_CUDA_ARCHITECTURES 90 CACHE STRING "Architectures with machine code in it: 75 to 121, a list")
# In PTX of 75 kernels with tensor cores are empty; so are, below 89, those with E4M3 instructions.
set(NEMO_CUDA_PTX 75 80 89 CACHE STRING "Architectures whose PTX is in it, for the drivers of these and newer ones: a list")

set(NEMO_HAS_CUDA OFF)
if(NEMO_CUDA)
  find_program(NEMO_NVCC nvcc HINTS ENV CUDA_PATH ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES bin)
  if(NEMO_NVCC)
    execute_process(COMMAND ${NEMO_NVCC} --version OUTPUT_VARIABLE version)
    string(REGEX MATCH "release ([0-9.]+)" version "${version}")
    set(NEMO_CUDA_VERSION ${CMAKE_MATCH_1})
  endif()
  if(NEMO_NVCC AND NEMO_CUDA_VERSION VERSION_GREATER_EQUAL 12.0)  # C++20
    set(NEMO_HAS_CUDA ON)
  elseif(NEMO_CUDA STREQUAL "AUTO")
    message(STATUS "libnemotron-cuda.so is left out: no CUDA Toolkit of version 12 or later was found")
  else()
    message(FATAL_ERROR "NEMO_CUDA is ON, and no CUDA Toolkit of version 12 or later was found")
  endif()
endif()

set(NEMO_CUDA_KERNELS linear_ref linear_mma linear_wide pack_weights row_ref mamba2_ref mamba2 attention_ref attention_mma sampling)
# Without contraction the plain kernels give the bits of the CPU's reference.
set(NEMO_NVCC_FLAGS -std=c++20 --expt-relaxed-constexpr -fmad=false -O3 -Werror all-warnings
                    -I${PROJECT_SOURCE_DIR} -I${PROJECT_SOURCE_DIR}/lib)
