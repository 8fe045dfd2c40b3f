#include <algorithm>
#include <cstddef>
#include <string_view>

#include "api/guard.h"
#include "api/printable.h"
#include "base/text.h"

namespace nemotron::api {

namespace {

static_assert(NEMO_OK == static_cast<int>(StatusCode::kOk));

struct NamedStatus {
  StatusCode code;
  nemo_status number;
  const char* name;
};

#define NEMO_NAMED(code, name) \
  { StatusCode::code, name, #name }
constexpr NamedStatus kStatuses[] = {
    NEMO_NAMED(kOk, NEMO_OK),
    NEMO_NAMED(kInvalidArgument, NEMO_E_INVALID_ARGUMENT),
    NEMO_NAMED(kBufferTooSmall, NEMO_E_BUFFER_TOO_SMALL),
    NEMO_NAMED(kStructSize, NEMO_E_STRUCT_SIZE),
    NEMO_NAMED(kInvalidToken, NEMO_E_INVALID_TOKEN),
    NEMO_NAMED(kInvalidUtf8, NEMO_E_INVALID_UTF8),
    NEMO_NAMED(kInvalidJson, NEMO_E_INVALID_JSON),
    NEMO_NAMED(kFileNotFound, NEMO_E_FILE_NOT_FOUND),
    NEMO_NAMED(kFileRead, NEMO_E_FILE_READ),
    NEMO_NAMED(kFileChanged, NEMO_E_FILE_CHANGED),
    NEMO_NAMED(kBadFile, NEMO_E_BAD_FILE),
    NEMO_NAMED(kUnsupportedFormat, NEMO_E_UNSUPPORTED_FORMAT),
    NEMO_NAMED(kUnsupportedArchitecture, NEMO_E_UNSUPPORTED_ARCHITECTURE),
    NEMO_NAMED(kUnsupportedType, NEMO_E_UNSUPPORTED_TYPE),
    NEMO_NAMED(kMissingTensor, NEMO_E_MISSING_TENSOR),
    NEMO_NAMED(kConfigMismatch, NEMO_E_CONFIG_MISMATCH),
    NEMO_NAMED(kFileWrite, NEMO_E_FILE_WRITE),
    NEMO_NAMED(kModelMismatch, NEMO_E_MODEL_MISMATCH),
    NEMO_NAMED(kOutOfMemory, NEMO_E_OUT_OF_MEMORY),
    NEMO_NAMED(kContextFull, NEMO_E_CONTEXT_FULL),
    NEMO_NAMED(kOverBudget, NEMO_E_OVER_BUDGET),
    NEMO_NAMED(kNoDevice, NEMO_E_NO_DEVICE),
    NEMO_NAMED(kDeviceLost, NEMO_E_DEVICE_LOST),
    NEMO_NAMED(kBusy, NEMO_E_BUSY),
    NEMO_NAMED(kState, NEMO_E_STATE),
    NEMO_NAMED(kCancelled, NEMO_E_CANCELLED),
    NEMO_NAMED(kReentrant, NEMO_E_REENTRANT),
    NEMO_NAMED(kForked, NEMO_E_FORKED),
    NEMO_NAMED(kInternal, NEMO_E_INTERNAL),
};
#undef NEMO_NAMED

constexpr bool codes_agree() {
  for (const NamedStatus& status : kStatuses)
    if (static_cast<nemo_status>(status.code) != status.number) return false;
  return true;
}
static_assert(codes_agree(), "base/status.h and nemotron.h number the statuses alike");

nemo_status fill(StatusCode code, std::string_view message, std::int64_t byte_offset,
                 nemo_error* err) noexcept {
  const auto number = static_cast<nemo_status>(code);
  if (err == nullptr || err->struct_size < sizeof(nemo_error)) return number;
  err->code = number;
  err->byte_offset = byte_offset;
  copy_printable(message, err->message);
  return number;
}

}  // namespace

nemo_status report(const Status& status, nemo_error* err) noexcept {
  return fill(status.code(), status.message(), status.byte_offset(), err);
}

nemo_status report(StatusCode code, const char* message, nemo_error* err) noexcept {
  return fill(code, message, -1, err);
}

Status null_argument(const char* name) {
  return {StatusCode::kInvalidArgument, join("'", name, "' is NULL")};
}

}  // namespace nemotron::api

extern "C" const char* nemo_status_string(nemo_status status) {
  for (const auto& known : nemotron::api::kStatuses)
    if (known.number == status) return known.name;
  return "NEMO_E_UNKNOWN";
}
