// Truncated and corrupted models: each opens to a status with a sentence, or to a model all of
// whose tensors can be read; never a crash (the sanitizer builds run this too).
#include <catch2/catch.hpp>
#include <vector>

#include "src/formats/tiny_models.h"

using namespace nemotron;

namespace {
constexpr std::size_t kStride = 97;
constexpr unsigned char kMasks[] = {0x01, 0x80, 0xff, 0x20};

// True when the files opened. Whatever opened must be whole.
bool open_and_read(const std::vector<NamedText>& files) {
  const auto file = open_from_memory(files);
  if (!file.is_ok()) {
    if (file.status().message().empty() || file.status().code() == StatusCode::kInternal)
      FAIL("status " << static_cast<int>(file.status().code()) << " without a sentence");
    return false;
  }
  bool reads = file->config().validate().is_ok();
  static std::vector<std::byte> bytes;
  for (const TensorEntry& entry : file->table()) {
    bytes.resize(entry.size_bytes);
    reads = reads && file->read_raw(entry, 0, bytes).is_ok();
  }
  const TensorEntry* norm = file->lookup(TensorRole::final_norm);
  std::vector<float> values(norm->n_elements());
  reads = reads && file->read_f32(*norm, values).is_ok();
  if (!reads) FAIL("opened, but cannot be read");
  return true;
}

// Every kStride-th length of the file `index`, and the last bytes one by one. None may open.
void check_truncations(std::vector<NamedText> files, std::size_t index) {
  const std::string whole = files[index].bytes;
  const auto check = [&](std::size_t length) {
    files[index].bytes = whole.substr(0, length);
    if (open_and_read(files)) FAIL("opened with " << length << " of " << whole.size() << " bytes");
  };
  for (std::size_t length = 0; length < whole.size(); length += kStride) check(length);
  for (std::size_t cut = 1; cut <= 16; ++cut) check(whole.size() - cut);
}

// Returns how many of the corrupted files still opened: in the data all do, in the header few.
std::size_t check_corruptions(std::vector<NamedText> files, std::size_t index, std::size_t stride,
                              std::size_t end) {
  std::size_t n_opened = 0;
  for (const unsigned char mask : kMasks) {
    for (std::size_t at = 0; at < end; at += stride) {
      std::string& bytes = files[index].bytes;
      bytes[at] = static_cast<char>(bytes[at] ^ mask);
      n_opened += open_and_read(files);
      bytes[at] = static_cast<char>(bytes[at] ^ mask);
    }
  }
  return n_opened;
}
}  // namespace

TEST_CASE("a truncated GGUF never opens") { check_truncations({{"m", read_data("tiny.gguf")}}, 0); }

TEST_CASE("a truncated safetensors file never opens") { check_truncations(tiny_safetensors(), 0); }

TEST_CASE("a corrupted GGUF opens whole or not at all") {
  const std::vector<NamedText> files = {{"m", read_data("tiny.gguf")}};
  const std::size_t size = files[0].bytes.size();
  const std::size_t n_opened = check_corruptions(files, 0, kStride, size);
  CHECK(n_opened > size / kStride);  // most bytes are weights
  // The header, everywhere: keys, types, counts, tensor infos.
  const std::size_t n_in_header = check_corruptions(files, 0, 3, size - 135776);
  CHECK(n_in_header < size - 135776);
}

TEST_CASE("a corrupted safetensors file opens whole or not at all") {
  const auto files = tiny_safetensors();
  const std::size_t size = files[0].bytes.size();
  CHECK(check_corruptions(files, 0, kStride, size) > size / kStride);
  check_corruptions(files, 0, 3, size - 50912);
}

TEST_CASE("corrupted and truncated small files never harm") {
  const auto files = tiny_safetensors();
  for (std::size_t i = 1; i < files.size(); ++i) {
    check_corruptions(files, i, 1, files[i].bytes.size());
    auto cut = files;
    for (std::size_t length = 0; length < files[i].bytes.size(); length += 7) {
      cut[i].bytes.resize(0);
      cut[i].bytes.append(files[i].bytes, 0, length);
      open_and_read(cut);
    }
  }
}

TEST_CASE("bytes that only begin like a model") {
  for (const char* begin : {"GGUF", "GGUF\x03", "GGUF\x03\0\0\0", "\x02\0\0\0\0\0\0\0{}", ""}) {
    std::string bytes(begin);
    bytes.resize(bytes.size() + 64, '\xff');
    CHECK_FALSE(open_and_read({{"m", bytes}}));
  }
}
