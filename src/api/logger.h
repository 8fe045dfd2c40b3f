// The host's log sink, as given with the context's options. Without one nothing is logged.
#pragma once

#include <nemotron/nemotron.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "api/printable.h"

namespace nemotron::api {

class Logger {
 public:
  Logger() = default;
  Logger(nemo_log_callback callback, void* user, std::uint32_t max_level)
      : callback_(callback),
        user_(user),
        max_level_(max_level == 0 ? std::uint32_t{NEMO_LOG_INFO} : max_level) {}

  void log(std::int32_t level, std::string_view text) const {
    if (callback_ == nullptr || static_cast<std::uint32_t>(level) > max_level_) return;
    const std::string shown = printable(text);
    callback_(level, shown.data(), shown.size(), user_);
  }

 private:
  nemo_log_callback callback_ = nullptr;
  void* user_ = nullptr;
  std::uint32_t max_level_ = NEMO_LOG_INFO;
};

}  // namespace nemotron::api
