// Puts GGUF files together byte by byte, right ones and wrong ones, for tests.
#pragma once

#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gguf/gguf_value.h"
#include "io/data_source.h"

namespace nemotron {

class ByteString {
 public:
  template <typename T>
  requires(std::is_arithmetic_v<T>) ByteString& number(T value) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    bytes_.append(bytes, sizeof(T));
    return *this;
  }
  ByteString& text(std::string_view text) {
    number<std::uint64_t>(text.size());
    bytes_.append(text);
    return *this;
  }
  ByteString& raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class GgufBuilder {
 public:
  std::uint32_t version = 3;
  // What the header states when it differs from what follows.
  std::int64_t stated_entries = -1;
  std::int64_t stated_tensors = -1;

  template <typename T>
  GgufBuilder& number(std::string_view key, GgufType type, T value) {
    entry(key, type).number(value);
    return *this;
  }
  GgufBuilder& text(std::string_view key, std::string_view value) {
    entry(key, GgufType::kString).text(value);
    return *this;
  }
  template <typename T>
  GgufBuilder& array(std::string_view key, GgufType type, std::initializer_list<T> values) {
    entry(key, GgufType::kArray).number(static_cast<std::uint32_t>(type));
    entries_.number<std::uint64_t>(values.size());
    for (const T value : values) entries_.number(value);
    return *this;
  }
  GgufBuilder& texts(std::string_view key, std::initializer_list<std::string_view> values) {
    entry(key, GgufType::kArray).number(static_cast<std::uint32_t>(GgufType::kString));
    entries_.number<std::uint64_t>(values.size());
    for (const std::string_view value : values) entries_.text(value);
    return *this;
  }
  // An entry whose value is given as bytes.
  GgufBuilder& raw(std::string_view key, std::uint32_t type, std::string_view value) {
    entry(key, static_cast<GgufType>(type)).raw(value);
    return *this;
  }
  // `ne` fastest first, as in the file.
  GgufBuilder& tensor(std::string_view name, std::initializer_list<std::uint64_t> ne,
                      std::uint32_t ggml_type, std::uint64_t offset) {
    infos_.text(name).number(static_cast<std::uint32_t>(ne.size()));
    for (const std::uint64_t n : ne) infos_.number(n);
    infos_.number(ggml_type).number(offset);
    ++n_tensors_;
    return *this;
  }
  GgufBuilder& data(std::size_t n_bytes) {
    n_data_bytes_ = n_bytes;
    return *this;
  }

  std::string build(std::size_t alignment = 32) const {
    ByteString out;
    out.raw("GGUF").number(version);
    out.number(stated_tensors >= 0 ? stated_tensors : n_tensors_);
    out.number(stated_entries >= 0 ? stated_entries : n_entries_);
    out.raw(entries_.bytes()).raw(infos_.bytes());
    out.raw(std::string((alignment - out.bytes().size() % alignment) % alignment, '\0'));
    std::string data(n_data_bytes_, '\0');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i);
    return out.bytes() + data;
  }

 private:
  ByteString& entry(std::string_view key, GgufType type) {
    ++n_entries_;
    return entries_.text(key).number(static_cast<std::uint32_t>(type));
  }

  ByteString entries_, infos_;
  std::int64_t n_entries_ = 0;
  std::int64_t n_tensors_ = 0;
  std::size_t n_data_bytes_ = 0;
};

inline std::unique_ptr<DataSource> source_of(const std::string& bytes) {
  return memory_source("test.gguf", std::as_bytes(std::span(bytes.data(), bytes.size())));
}

}  // namespace nemotron
