#include "threading/process_mark.h"

#include <unistd.h>

namespace nemotron {

ProcessMark::ProcessMark() : process_id_(getpid()) {}

bool ProcessMark::is_forked_child() const { return getpid() != process_id_; }

}  // namespace nemotron
