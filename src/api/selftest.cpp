// nemo_device_selftest: a CUDA device against the CPU's reference, with plain and with fast
// kernels.
#include "api/choose_device.h"
#include "api/marshal.h"
#include "backend/compare_backends.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cuda/time_kernels.h"

namespace nemotron::api {

namespace {

constexpr bool is_bit(CudaKernels kernels, std::uint32_t bit) {
  return static_cast<std::uint32_t>(kernels) == bit;
}
static_assert(is_bit(kProductKernels, NEMO_CUDA_PLAIN_PRODUCTS));
static_assert(is_bit(kAttentionKernels, NEMO_CUDA_PLAIN_ATTENTION));
static_assert(is_bit(kScanKernels, NEMO_CUDA_PLAIN_SCAN));
static_assert(is_bit(kConvolutionKernels, NEMO_CUDA_PLAIN_CONVOLUTION));
static_assert(is_bit(kAllKernels, NEMO_CUDA_PLAIN_ALL));

std::uint32_t kernels_of(std::string_view operation) {
  if (operation.starts_with("linear")) return kProductKernels;
  if (operation.starts_with("attention")) return kAttentionKernels;
  if (operation.starts_with("ssm_scan")) return kScanKernels;
  if (operation.starts_with("causal_conv1d")) return kConvolutionKernels;
  return 0;
}

class SelfTest {
 public:
  SelfTest(const CudaChoice& cuda, nemo_selftest_callback callback, void* user)
      : cuda_(cuda), callback_(callback), user_(user) {}

  // `losers` is told also where some operations are wrong.
  Status run(std::uint32_t& losers) {
    NEMO_TRY(compare(true));
    NEMO_TRY(compare(false));
    NEMO_TRY(time());
    losers = losers_;
    if (is_cancelled_) return {StatusCode::kCancelled, "cancelled by the callback"};
    NEMO_TRY(std::move(first_));
    if (n_wrong_ == 0) return Status::ok();
    return {StatusCode::kInternal,
            join(n_wrong_, " of ", n_, " operations of the device differ from the CPU's")};
  }

 private:
  Result<std::unique_ptr<CudaBackend>> make(bool is_plain) const {
    CudaBackendOptions options = cuda_.options;
    options.plain_kernels = is_plain ? std::uint32_t{kAllKernels} : 0;
    return CudaBackend::create(cuda_.driver, cuda_.module, options);
  }

  Status compare(bool is_plain) {
    NEMO_ASSIGN(const auto backend, make(is_plain));
    NEMO_ASSIGN(const auto reference, make_cpu_backend({1, &kernels::ref_kernels()}));
    const bool is_native = backend->has_native_f8();
    return compare_backends(*backend, *reference, is_native,
                            [&](const ComparedOperation& operation) {
                              nemo_selftest_result result = result_of(operation.name, is_plain);
                              result.kernels = kernels_of(operation.name);
                              result.is_good = operation.is_good() ? 1 : 0;
                              result.error = operation.error;
                              result.bound = operation.bound;
                              if (is_cancelled_) return;
                              ++n_;
                              n_wrong_ += operation.is_good() ? 0 : 1;
                              if (first_.is_ok()) first_ = operation.status;
                              if (!operation.is_good() && !is_plain) losers_ |= result.kernels;
                              tell(result);
                            });
  }

  Status time() {
    if (is_cancelled_) return Status::ok();
    NEMO_ASSIGN(const auto plain, make(true));
    NEMO_ASSIGN(const auto tuned, make(false));
    NEMO_ASSIGN(const std::uint32_t slower,
                time_kernels(*plain, *tuned, {}, [&](const TimedOperation& operation) {
                  for (const bool is_plain : {true, false}) {
                    nemo_selftest_result result = result_of(operation.name, is_plain);
                    result.kernels = operation.kernels;
                    result.is_good = 1;
                    result.microseconds = is_plain ? operation.plain_us : operation.tuned_us;
                    tell(result);
                  }
                }));
    losers_ |= slower;
    return Status::ok();
  }

  static nemo_selftest_result result_of(const std::string& name, bool is_plain) {
    nemo_selftest_result result = {};
    result.struct_size = sizeof result;
    result.operation = name.c_str();
    result.is_plain = is_plain ? 1 : 0;
    return result;
  }

  void tell(const nemo_selftest_result& result) {
    if (callback_ != nullptr && !is_cancelled_) is_cancelled_ = callback_(&result, user_) != 0;
  }

  const CudaChoice& cuda_;
  nemo_selftest_callback callback_;
  void* user_;
  int n_ = 0;
  int n_wrong_ = 0;
  bool is_cancelled_ = false;
  std::uint32_t losers_ = 0;
  Status first_;  // of the operations that could not be run
};

Status run_selftest(const nemo_context_options& options, nemo_selftest_callback callback,
                    void* user, std::uint32_t& losers) {
  std::string why_not;
  NEMO_ASSIGN(const std::optional<CudaChoice> cuda, choose_device(options, why_not));
  return SelfTest(*cuda, callback, user).run(losers);
}

}  // namespace

}  // namespace nemotron::api

using namespace nemotron::api;

extern "C" nemo_status nemo_device_selftest(const char* cuda_module, uint32_t device_index,
                                            nemo_selftest_callback callback, void* user,
                                            uint32_t* plain_kernels, nemo_error* err) {
  return guarded(err, [&] {
    nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
    options.device = NEMO_DEVICE_CUDA;
    options.device_index = device_index;
    options.cuda_module = cuda_module;
    std::uint32_t losers = 0;
    nemotron::Status status = run_selftest(options, callback, user, losers);
    if (plain_kernels != nullptr) *plain_kernels = losers;
    return status;
  });
}
