// Reading tests/data/tokenizer, shared by the tests of lib/bpe and of src/tokenizer.
#pragma once

#include <catch2/catch.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

namespace nemotron {

// The content of a file; empty where there is none.
inline std::string read_file(const std::string& path) {
  std::string content;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return content;
  char buffer[1 << 16];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, file))
    content.append(buffer, n);
  std::fclose(file);
  return content;
}

inline std::string read_golden(const std::string& name) {
  std::string content = read_file(std::string(NEMO_TEST_SOURCE_DIR "/data/tokenizer/") + name);
  INFO("tests/data/tokenizer/" << name);
  REQUIRE_FALSE(content.empty());
  return content;
}

inline nlohmann::json read_golden_json(const std::string& name) {
  return nlohmann::json::parse(read_golden(name));
}

}  // namespace nemotron
