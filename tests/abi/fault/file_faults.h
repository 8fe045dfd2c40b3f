// Every call about a file that something makes fails once, in each way that it can: the run through
// them all, and what must hold of each.
#pragma once

#include <nemotron/nemotron.h>

#include <functional>
#include <string>

#include "file_calls.h"

namespace fault {

struct Attempt {
  nemo_status status = NEMO_OK;
  nemo_error error = NEMO_ERROR_INIT;
  std::string outcome;          // all that a successful attempt made, to be compared
  const char* wrong = nullptr;  // what else must not be so, in words
};

// Does something with files inside `armed`, which is called once, and looks at what has become.
using Armed = std::function<void(const std::function<void()>& call)>;
using Attempting = std::function<Attempt(const Armed& armed)>;

enum class Faults : std::uint8_t { kAll, kOneOfEachCall };  // the latter for slow attempts

// Makes the attempt with each fault of each call that it makes, the whole of it by EINTR and single
// bytes, and checks: no fault that is harmless shows; what cannot be ignored is an error, of a
// file, that names the file and the reason; a success is the same in all; nothing is lost. Returns
// how many attempts failed.
int check_each_fault(const Attempting& attempt, Faults which = Faults::kAll);

}  // namespace fault
