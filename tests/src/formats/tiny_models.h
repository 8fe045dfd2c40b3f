// The tiny models of tests/data/formats, as paths and as bytes.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "formats/open_model.h"
#include "io/data_source.h"

namespace nemotron {

inline std::string data_path(const std::string& name) {
  return std::string(NEMO_TEST_SOURCE_DIR) + "/data/formats/" + name;
}

inline std::string read_data(const std::string& name) {
  const auto source = open_file(data_path(name));
  REQUIRE(source.is_ok());
  return read_all(*source.value(), 1 << 20).value();
}

struct NamedText {
  std::string name;
  std::string bytes;
};

inline std::vector<NamedText> tiny_safetensors() {
  std::vector<NamedText> files;
  for (const char* name : {"model.safetensors", "config.json", "generation_config.json",
                           "tokenizer_config.json", "chat_template.jinja"})
    files.push_back({name, read_data(std::string("tiny_safetensors/") + name)});
  return files;
}

// The result borrows from `files`.
inline Result<ModelFile> open_from_memory(const std::vector<NamedText>& files) {
  std::vector<NamedBytes> views;
  for (const NamedText& file : files)
    views.push_back({file.name, std::as_bytes(std::span(file.bytes.data(), file.bytes.size()))});
  return open_model_from_memory(views);
}

// Replaces the first `from` in the file `name` of `files` by `to`.
inline void patch(std::vector<NamedText>& files, const std::string& name, const std::string& from,
                  const std::string& to) {
  for (NamedText& file : files) {
    if (file.name != name) continue;
    const std::size_t at = file.bytes.find(from);
    REQUIRE(at != std::string::npos);
    file.bytes.replace(at, from.size(), to);
    return;
  }
  FAIL("no file " << name);
}

inline bool message_has(const Status& status, const std::string& text) {
  UNSCOPED_INFO(status.message());
  return status.message().find(text) != std::string::npos;
}

}  // namespace nemotron
