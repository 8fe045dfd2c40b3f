// How structs, text and buffers cross the ABI: sizes agreed on, lengths checked.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "api/guard.h"
#include "base/text.h"

namespace nemotron::api {

// The size of each struct in the first release that had it; smaller ones were never valid. A struct
// that grows gets a specialisation with its first size.
template <typename T>
inline constexpr std::uint32_t kFirstSize = sizeof(T);
template <>
inline constexpr std::uint32_t kFirstSize<nemo_context_options> = offsetof(nemo_context_options,
                                                                           device);
template <>
inline constexpr std::uint32_t kFirstSize<nemo_quantize_options> = offsetof(nemo_quantize_options,
                                                                            imatrix_path);
template <>
inline constexpr std::uint32_t kFirstSize<nemo_memory_plan> = offsetof(nemo_memory_plan,
                                                                       mapped_bytes);
template <>
inline constexpr std::uint32_t kFirstSize<nemo_model_info> = offsetof(nemo_model_info,
                                                                      mapped_bytes);

// kInvalidArgument for more threads than any options struct allows.
inline Status check_threads(std::uint32_t n_threads) {
  constexpr std::uint32_t kMaxThreads = 256;
  if (n_threads <= kMaxThreads) return Status::ok();
  return {StatusCode::kInvalidArgument,
          join("n_threads ", n_threads, " is more than ", kMaxThreads)};
}

// Copies the caller's options, which may be older (shorter) or newer (longer, tail zero) than ours.
// NULL gives the defaults. kStructSize.
template <typename T>
Status read_struct(const T* from, const char* name, T& out) {
  out = T{};
  out.struct_size = sizeof(T);
  if (from == nullptr) return Status::ok();
  const std::uint32_t size = from->struct_size;
  if (size < kFirstSize<T>)
    return {StatusCode::kStructSize,
            join("'", name, "'.struct_size is ", size, "; at least ", kFirstSize<T>)};
  const auto* bytes = reinterpret_cast<const std::byte*>(from);
  if (size > sizeof(T) &&
      std::any_of(bytes + sizeof(T), bytes + size, [](std::byte b) { return b != std::byte{0}; }))
    return {StatusCode::kStructSize,
            join("'", name, "' sets members that this version of the library does not know")};
  std::memcpy(&out, from, std::min<std::size_t>(size, sizeof(T)));
  return Status::ok();
}

// Writes as much of `value` as the caller's struct has; its struct_size stays. kStructSize.
template <typename T>
Status write_struct(T* to, const char* name, const T& value) {
  if (to == nullptr) return null_argument(name);
  const std::uint32_t size = to->struct_size;
  if (size < kFirstSize<T>)
    return {StatusCode::kStructSize,
            join("'", name, "'.struct_size is ", size, "; at least ", kFirstSize<T>)};
  std::memcpy(to, &value, std::min<std::size_t>(size, sizeof(T)));
  to->struct_size = size;
  return Status::ok();
}

// Element `index` of an array whose elements lie `stride_bytes` apart (check_array). kStructSize
// for one that is too short, or would reach into the next. T may be const.
template <typename T>
Result<T*> element_of(T* array, std::size_t index, std::size_t stride_bytes, const char* name) {
  using Byte = std::conditional_t<std::is_const_v<T>, const std::byte, std::byte>;
  auto* element = reinterpret_cast<T*>(reinterpret_cast<Byte*>(array) + index * stride_bytes);
  constexpr std::uint32_t kFirst = kFirstSize<std::remove_const_t<T>>;
  const std::uint32_t size = element->struct_size;
  if (size < kFirst)
    return Status(StatusCode::kStructSize,
                  join("'", name, "[", index, "]'.struct_size is ", size, "; at least ", kFirst));
  if (size > stride_bytes)
    return Status(StatusCode::kStructSize, join("'", name, "[", index, "]'.struct_size is ", size,
                                                ", more than the stride of ", stride_bytes));
  return element;
}

template <typename T>
Status read_element(const T* array, std::size_t index, std::size_t stride_bytes, const char* name,
                    T& out) {
  NEMO_ASSIGN(const T* element, element_of(array, index, stride_bytes, name));
  return read_struct(element, name, out);
}

template <typename T>
Status check_array(const T* array, std::size_t n, std::size_t stride_bytes, const char* name) {
  if (n == 0) return Status::ok();
  if (array == nullptr) return null_argument(name);
  if (stride_bytes < kFirstSize<T> || stride_bytes % alignof(T) != 0)
    return {StatusCode::kStructSize, join("the stride of '", name, "' is ", stride_bytes,
                                          "; at least ", kFirstSize<T>, " and aligned")};
  return Status::ok();
}

// kInvalidArgument for NULL with a length.
inline Status read_text(const char* data, std::uint64_t size, const char* name,
                        std::string_view& out) {
  if (data == nullptr && size != 0)
    return {StatusCode::kInvalidArgument, join("'", name, "' is NULL and has a length")};
  out = data == nullptr ? std::string_view() : std::string_view(data, size);
  return Status::ok();
}

// The two-call buffer: reports the length, then copies if everything fits.
template <typename T>
Status write_buffer(std::span<const T> from, T* to, std::size_t capacity, std::size_t* n) {
  if (n == nullptr) return {StatusCode::kInvalidArgument, "the pointer for the length is NULL"};
  *n = from.size();
  if (from.size() > capacity || (to == nullptr && !from.empty()))
    return {StatusCode::kBufferTooSmall,
            join("the buffer holds ", to == nullptr ? 0 : capacity, "; ", from.size(), " needed")};
  std::copy(from.begin(), from.end(), to);
  return Status::ok();
}

// The same for structs, each with its struct_size set by the caller. Nothing is written but `n`
// unless everything can be.
template <typename T>
Status write_array(std::span<const T> from, T* to, std::size_t capacity, std::size_t stride_bytes,
                   std::size_t* n, const char* name) {
  if (n == nullptr) return {StatusCode::kInvalidArgument, "the pointer for the number is NULL"};
  *n = from.size();
  NEMO_TRY(check_array(to, capacity, stride_bytes, name));
  if (from.size() > capacity)
    return {StatusCode::kBufferTooSmall,
            join("'", name, "' has room for ", capacity, "; ", from.size(), " needed")};
  for (std::size_t i = 0; i < from.size(); ++i)
    NEMO_TRY(element_of(to, i, stride_bytes, name).status());
  for (std::size_t i = 0; i < from.size(); ++i) {
    NEMO_ASSIGN(T * element, element_of(to, i, stride_bytes, name));
    NEMO_TRY(write_struct(element, name, from[i]));
  }
  return Status::ok();
}

}  // namespace nemotron::api
