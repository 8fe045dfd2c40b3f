// join("tensor '", name, "' has ", n, " rows"): one string out of strings and numbers, for
// messages.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

namespace nemotron {

namespace detail {
inline void append(std::string& out, std::string_view text) { out.append(text); }
inline void append(std::string& out, char c) { out.push_back(c); }
template <typename T>
requires(std::is_arithmetic_v<T> && !std::is_same_v<T, char>) void append(std::string& out,
                                                                          T number) {
  out += std::to_string(number);
}
}  // namespace detail

template <typename... Parts>
std::string join(const Parts&... parts) {
  std::string out;
  (detail::append(out, parts), ...);
  return out;
}

}  // namespace nemotron
