// What every exported function runs inside: arguments checked by the body, exceptions caught, the
// outcome told to the caller. Nothing leaves the library but a status.
#pragma once

#include <nemotron/nemotron.h>

#include <exception>
#include <new>

#include "base/result.h"

namespace nemotron::api {

// The status as the ABI numbers it; fills `err` when the caller gave one.
nemo_status report(const Status& status, nemo_error* err) noexcept;
nemo_status report(StatusCode code, const char* message, nemo_error* err) noexcept;

template <typename Body>
nemo_status guarded(nemo_error* err, Body&& body) noexcept {
  try {
    return report(body(), err);
  } catch (const std::bad_alloc&) {
    return report(StatusCode::kOutOfMemory, "an allocation failed", err);
  } catch (const std::exception& e) {
    return report(StatusCode::kInternal, e.what(), err);
  } catch (...) {
    return report(StatusCode::kInternal, "an unknown exception", err);
  }
}

// kInvalidArgument: "`name` is NULL".
Status null_argument(const char* name);

}  // namespace nemotron::api
