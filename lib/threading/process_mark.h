// Remembers the process in which an object was made. After POSIX fork() the child has a copy of the
// memory but none of the threads: what needs them asks here before it waits for one.
#pragma once

namespace nemotron {

class ProcessMark {
 public:
  ProcessMark();
  // Whether this process is not the one in which the mark was made. Any thread; one system call.
  bool is_forked_child() const;

 private:
  long process_id_;
};

}  // namespace nemotron
