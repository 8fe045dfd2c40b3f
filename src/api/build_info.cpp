// Version, build information, and the choice of the instruction set level.
#include <string>

#include "api/guard.h"
#include "api/isa.h"
#include "api/marshal.h"
#include "cpu/cpu_features.h"

namespace nemotron::api {

Result<const kernels::KernelTable*> choose_kernels(std::uint32_t isa) {
  const CpuFeatures cpu = detect_cpu_features();
  const kernels::KernelTable* avx2 = cpu.has_avx2_fma_f16c ? kernels::avx2_kernels() : nullptr;
  if (cpu.has_avx_vnni) avx2 = kernels::avx2_vnni_kernels();
  const kernels::KernelTable* avx512 = cpu.has_avx512 ? kernels::avx512_kernels() : nullptr;
  const kernels::KernelTable* neon = kernels::neon_kernels(cpu.has_dot_product);
  switch (isa) {
    case NEMO_ISA_AUTO:
      if (avx512 != nullptr) return avx512;
      if (neon != nullptr) return neon;
      return avx2 != nullptr ? avx2 : &kernels::ref_kernels();
    case NEMO_ISA_REF:
      return &kernels::ref_kernels();
    case NEMO_ISA_AVX2:
      if (avx2 != nullptr) return avx2;
      return Status(StatusCode::kNoDevice, "this processor or build has no AVX2, FMA and F16C");
    case NEMO_ISA_AVX512:
      if (avx512 != nullptr) return avx512;
      return Status(StatusCode::kNoDevice,
                    "this processor or build lacks AVX-512 with VNNI, BF16 and VBMI");
    case NEMO_ISA_NEON:
      if (neon != nullptr) return neon;
      return Status(StatusCode::kNoDevice, "this processor or build has no NEON");
    default:
      return Status(StatusCode::kInvalidArgument, join("isa ", isa, " is not a NEMO_ISA_"));
  }
}

namespace {

std::string build_info() {
  const auto chosen = choose_kernels(NEMO_ISA_AUTO);
  return join("version: ", NEMO_VERSION_STRING, "\ncompiler: ", __VERSION__, "\nisa levels: ref",
              kernels::avx2_kernels() != nullptr ? " avx2" : "",
              kernels::avx512_kernels() != nullptr ? " avx512" : "",
              kernels::neon_kernels(false) != nullptr ? " neon" : "",
              "\nisa chosen: ", chosen.value()->name, "\n");
}

}  // namespace

}  // namespace nemotron::api

using namespace nemotron::api;

extern "C" uint32_t nemo_version(void) { return NEMO_VERSION_NUMBER; }

extern "C" nemo_status nemo_build_info(char* buffer, size_t capacity, size_t* length,
                                       nemo_error* err) {
  return guarded(err, [&] {
    const std::string info = build_info();
    return write_buffer(std::span<const char>(info), buffer, capacity, length);
  });
}
