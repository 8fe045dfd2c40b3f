// What the commands that write models share: progress, ^C, and the sentence at the end.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "program.h"

class Conversion {
 public:
  // From now on ^C cancels, so that the library can take away what it has begun.
  explicit Conversion(std::string label);

  // A nemo_progress_callback; `user` is a Conversion.
  static std::int32_t on_progress(std::uint64_t done, std::uint64_t total, void* user);

  // "PATH: 2.6 GiB of tensors in 12.3 s", to standard error.
  void print_summary(const std::string& path) const;
  // "PATH: 51200 tokens in 12.3 s".
  void print_token_summary(const std::string& path) const;

 private:
  double seconds() const;

  ProgressBar progress_;
  std::uint64_t total_ = 0;  // bytes or tokens
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};
