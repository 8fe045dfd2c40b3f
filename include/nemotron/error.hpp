/** @file error.hpp
 *  @brief Part of nemotron.hpp: the exception, and how calls of the C interface and callbacks are wrapped. */
#ifndef NEMOTRON_ERROR_HPP
#define NEMOTRON_ERROR_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <nemotron/nemotron.h>

/** The C++ wrapper. */
namespace nemotron {

/** A call that failed: its status, its sentence (`what()`), and where in a file. */
class Error : public std::runtime_error {
 public:
  /** From what the library filled in. */
  explicit Error(const nemo_error &error)
      : std::runtime_error(error.message), status_(error.code), byte_offset_(error.byte_offset) {}

  /** The status, such as ::NEMO_E_BAD_FILE. */
  nemo_status status() const noexcept { return status_; }
  /** The status's name, such as "NEMO_E_BAD_FILE". */
  const char *status_name() const noexcept { return nemo_status_string(status_); }
  /** Where in the file or text the fault is; -1 where that means nothing. */
  std::int64_t byte_offset() const noexcept { return byte_offset_; }

 private:
  nemo_status status_;
  std::int64_t byte_offset_;
};

/** @cond internal */
namespace detail {

inline nemo_error empty_error() { return NEMO_ERROR_INIT; }

inline void check(nemo_status status, nemo_error &error) {
  if (status == NEMO_OK) return;
  error.code = status;
  throw Error(error);
}

// Fills a string or vector by call(data, capacity, &size, &error), with a second call only where `guess` was too
// small.
template <typename Container, typename Call>
Container fill(std::size_t guess, const Call &call) {
  Container out;
  std::size_t size = guess;
  for (;;) {
    out.resize(size);
    nemo_error error = empty_error();
    const nemo_status status = call(out.data(), out.size(), &size, &error);
    if (status == NEMO_E_BUFFER_TOO_SMALL && size > out.size()) continue;
    check(status, error);
    out.resize(size);
    return out;
  }
}

// A callback of the caller's program during one call, and the exception that came out of it.
template <typename Callback>
struct Guest {
  explicit Guest(Callback &function) : callback(&function) {}

  // 0 to go on, 1 to stop: after an exception, or where the callback returned false.
  template <typename... Arguments>
  std::int32_t call(Arguments &&...arguments) noexcept {
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<Callback &, Arguments...>>) {
        std::invoke(*callback, std::forward<Arguments>(arguments)...);
        return 0;
      } else {
        return std::invoke(*callback, std::forward<Arguments>(arguments)...) ? 0 : 1;
      }
    } catch (...) {
      exception = std::current_exception();
      return 1;
    }
  }

  void rethrow() const {
    if (exception) std::rethrow_exception(exception);
  }

  Callback *callback;
  std::exception_ptr exception;
};

}  // namespace detail
/** @endcond */

}  // namespace nemotron

#endif
