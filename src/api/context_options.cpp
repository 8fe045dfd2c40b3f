#include "api/context_options.h"

#include "api/isa.h"
#include "api/marshal.h"

namespace nemotron::api {

namespace {
constexpr std::uint32_t kMaxStepRows = 4096;
constexpr std::uint32_t kDefaultStepRows = 64;
constexpr std::uint64_t kDefaultOffloadBytes = std::uint64_t{4} << 30;

std::uint64_t offload_bytes_of(const nemo_context_options& options) {
  if (options.max_offload_bytes == NEMO_NO_OFFLOAD) return 0;
  if (options.max_offload_bytes != 0) return options.max_offload_bytes;
  return options.max_bytes != 0 ? options.max_bytes / 4 : kDefaultOffloadBytes;
}
}  // namespace

Status check_options(const nemo_context_options& options) {
  const auto invalid = [](auto... parts) {
    return Status(StatusCode::kInvalidArgument, join(parts...));
  };
  constexpr std::uint32_t kFlags =
      NEMO_LOAD_NO_WEIGHTS | NEMO_LOAD_FP8_WEIGHT_ONLY | NEMO_LOAD_MAPPED | NEMO_LOAD_LLAMA3_SPLIT;
  if ((options.flags & ~kFlags) != 0)
    return invalid("flags ", options.flags, " has bits that are not NEMO_LOAD_");
  NEMO_TRY(check_threads(options.n_threads));
  if (options.max_step_rows > kMaxStepRows)
    return invalid("max_step_rows ", options.max_step_rows, " is more than ", kMaxStepRows);
  if (options.device > NEMO_DEVICE_CUDA)
    return invalid("device ", options.device, " is not a NEMO_DEVICE_");
  if (options.device == NEMO_DEVICE_CPU && options.cuda_context != nullptr)
    return invalid("cuda_context is set, and device is NEMO_DEVICE_CPU");
  if (options.device == NEMO_DEVICE_CPU && options.cuda_stream != nullptr)
    return invalid("cuda_stream is set, and device is NEMO_DEVICE_CPU");
  if (options.cuda_plain_kernels > NEMO_CUDA_PLAIN_ALL)
    return invalid("cuda_plain_kernels ", options.cuda_plain_kernels,
                   " has bits that are not NEMO_CUDA_PLAIN_");
  if (options.worker > 1) return invalid("worker is ", options.worker, "; 0 or 1");
  if (options.log_level > NEMO_LOG_DEBUG)
    return invalid("log_level ", options.log_level, " is not a NEMO_LOG_");
  return choose_kernels(options.isa).is_ok() ? Status::ok() : choose_kernels(options.isa).status();
}

EngineOptions engine_options_of(const nemo_context_options& options) {
  EngineOptions out;
  out.max_step_rows =
      static_cast<int>(options.max_step_rows == 0 ? kDefaultStepRows : options.max_step_rows);
  if ((options.flags & NEMO_LOAD_MAPPED) != 0) out.weights = WeightAccess::kMapped;
  if (options.max_running != 0) out.max_running = options.max_running;
  if (options.max_bytes != 0) out.max_bytes = options.max_bytes;
  if (options.snapshot_bytes != 0)
    out.snapshot_bytes = options.snapshot_bytes == NEMO_NO_SNAPSHOTS ? 0 : options.snapshot_bytes;
  out.max_offload_bytes = offload_bytes_of(options);
  out.has_worker = options.worker != 0;
  out.numeric_options = options.flags & NEMO_LOAD_FP8_WEIGHT_ONLY;
  return out;
}

Result<KvType> kv_type_of(std::uint32_t number) {
  switch (number) {
    case NEMO_KV_DEFAULT:
    case NEMO_KV_BF16:
      return KvType::kBF16;
    case NEMO_KV_F32:
      return KvType::kF32;
    case NEMO_KV_Q8:
      return KvType::kQ8;
    default:
      return Status(StatusCode::kInvalidArgument, join("kv_type ", number, " is not a NEMO_KV_"));
  }
}

Result<StateType> state_type_of(std::uint32_t number) {
  switch (number) {
    case NEMO_STATE_DEFAULT:
    case NEMO_STATE_F32:
      return StateType::kF32;
    case NEMO_STATE_BF16:
      return StateType::kBF16;
    default:
      return Status(StatusCode::kInvalidArgument,
                    join("state_type ", number, " is not a NEMO_STATE_"));
  }
}

}  // namespace nemotron::api
