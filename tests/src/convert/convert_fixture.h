// What the tests of conversions share: data files, checksums, and the tiny synthesized model.
#pragma once

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "convert/quantize_model.h"
#include "convert/synthesize.h"
#include "formats/model_file.h"
#include "io/data_source.h"
#include "lib/io/temp_folder.h"

namespace nemotron::test {

inline std::string data_path(const std::string& name) {
  return std::string(NEMO_TEST_SOURCE_DIR) + "/data/" + name;
}

inline std::string content(const std::string& path) {
  const auto source = open_file(path);
  INFO(path);
  REQUIRE(source.is_ok());
  return read_all(*source.value(), 64 << 20).value();
}

inline std::uint32_t crc32(std::span<const std::byte> bytes) {
  static const auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
      table[i] = value;
    }
    return table;
  }();
  std::uint32_t crc = 0xffffffffu;
  for (const std::byte byte : bytes)
    crc = crc >> 8 ^ kTable[(crc ^ static_cast<std::uint32_t>(byte)) & 255];
  return ~crc;
}

// The tiny model as a folder with BF16 safetensors.
inline const std::string& tiny_folder() {
  static const TempFolder folder;
  static const std::string path = [] {
    SynthesizeOptions options;
    options.shape = "tiny";
    options.type = "bf16";
    options.seed = 9;
    REQUIRE(synthesize(folder.file("m"), options).is_ok());
    return folder.file("m");
  }();
  return path;
}

inline Status quantize_to(const std::string& input, const std::string& output,
                          const std::string& type, int n_threads = 2,
                          const std::string& imatrix_path = "") {
  QuantizeOptions options;
  options.type = type;
  options.n_threads = n_threads;
  options.imatrix_path = imatrix_path;
  return quantize_model(input, output, options);
}

inline std::vector<float> values_of(const ModelFile& file, TensorRole role, int layer = kNoLayer) {
  const TensorEntry& entry = *file.lookup(role, layer);
  std::vector<float> values(entry.n_elements());
  REQUIRE(file.read_f32(entry, values).is_ok());
  return values;
}

}  // namespace nemotron::test
