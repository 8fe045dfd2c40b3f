// The outcome of an operation that the world can make fail: a code, a sentence, and where in a
// file. The numbers are those of nemo_status in nemotron.h (src/api/error.cpp asserts that they
// agree); they stand here a second time because lib/ knows nothing of the public headers.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace nemotron {

enum class StatusCode : std::int32_t {
  kOk = 0,
  // Caller.
  kInvalidArgument = -100,
  kBufferTooSmall = -101,
  kStructSize = -102,
  kInvalidToken = -103,
  kInvalidUtf8 = -104,
  kInvalidJson = -105,
  // File.
  kFileNotFound = -200,
  kFileRead = -201,
  kFileChanged = -202,
  kBadFile = -203,
  kUnsupportedFormat = -204,
  kUnsupportedArchitecture = -205,
  kUnsupportedType = -206,
  kMissingTensor = -207,
  kConfigMismatch = -208,
  kFileWrite = -209,
  kModelMismatch = -210,
  // Resource.
  kOutOfMemory = -300,
  kContextFull = -301,
  kOverBudget = -302,
  // Device.
  kNoDevice = -400,
  kDeviceLost = -401,
  // State.
  kBusy = -500,
  kState = -501,
  kCancelled = -502,
  kReentrant = -503,
  kForked = -504,
  // Internal.
  kInternal = -900,
};

class [[nodiscard]] Status {
 public:
  Status() = default;  // ok
  Status(StatusCode code, std::string message, std::int64_t byte_offset = -1)
      : code_(code), byte_offset_(byte_offset), message_(std::move(message)) {}

  static Status ok() { return {}; }

  bool is_ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }
  // Offset of the fault from the start of the file, in bytes; -1 where there is none to name.
  std::int64_t byte_offset() const { return byte_offset_; }

  // The same fault, its sentence preceded by "prefix: ", for a caller that knows the file or
  // tensor.
  Status with_prefix(const std::string& prefix) && {
    message_ = prefix + ": " + message_;
    return std::move(*this);
  }

 private:
  StatusCode code_ = StatusCode::kOk;
  std::int64_t byte_offset_ = -1;
  std::string message_;
};

}  // namespace nemotron

// Returns from the enclosing function with the Status of `expression` unless it is ok.
#define NEMO_TRY(expression)                              \
  do {                                                    \
    ::nemotron::Status nemo_try_status = (expression);    \
    if (!nemo_try_status.is_ok()) return nemo_try_status; \
  } while (false)
