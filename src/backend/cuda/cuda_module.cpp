#include "backend/cuda/cuda_module.h"

#include <dlfcn.h>

#include "base/text.h"
#include "kernels/cuda/kernel_list.h"

namespace nemotron {

namespace {

constexpr const char* kName = "libnemotron-cuda.so";

Status no_device(std::string message) { return {StatusCode::kNoDevice, std::move(message)}; }

// The folder of the library, or the program, that holds this code.
std::string own_folder() {
  Dl_info info;
  static const char kHere = 0;
  if (dladdr(&kHere, &info) == 0 || info.dli_fname == nullptr) return {};
  const std::string path = info.dli_fname;
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

}  // namespace

Status check_cuda_module(const nemo_cuda_module* table, const std::string& path) {
  if (table == nullptr || table->abi_version != NEMO_CUDA_MODULE_ABI)
    return no_device(join("'", path, "' is not the CUDA module of this version of the library"));
  if (table->kernel_signature != kernels::cuda::kernel_signature())
    return no_device(join("'", path, "' has kernels of another version of the library"));
  if (table->n_images == 0 || table->images == nullptr)
    return no_device(join("'", path, "' has no kernels"));
  return Status::ok();
}

Result<CudaModule> open_cuda_module(const std::string& path) {
  const std::string full = path.empty() ? own_folder() + kName : path;
  // A name without a slash would be searched for elsewhere.
  if (full.find('/') == std::string::npos)
    return no_device(join("cannot tell the folder of the library, to find '", kName, "' there"));
  void* library = dlopen(full.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = dlerror();
    return no_device(join("the CUDA module is not there: ", reason == nullptr ? full : reason));
  }
  const std::shared_ptr<void> handle(library, [](void* opened) { dlclose(opened); });
  const auto get =
      reinterpret_cast<nemo_cuda_module_function>(dlsym(library, NEMO_CUDA_MODULE_FUNCTION));
  const nemo_cuda_module* table = get == nullptr ? nullptr : get(NEMO_CUDA_MODULE_ABI);
  NEMO_TRY(check_cuda_module(table, full));
  return CudaModule{{handle, table}, full};
}

}  // namespace nemotron
