// What the fuzz targets share: an input as files, and the whole of what the public interface does
// with the files of a model before it reads a weight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fuzz {

struct File {
  std::string name;
  std::string_view bytes;
};

// An input holds several files, one after another, with this between them.
inline constexpr std::string_view kSeparator = "\n---\n";

// At most `max_files`; what follows the last is part of it.
std::vector<std::string_view> split(const std::uint8_t* data, std::size_t size,
                                    std::size_t max_files);

// A file of tests/fuzz/fixed.
const std::string& fixed_file(const std::string& name);

// Loads the model without weights from memory and, when that succeeds, asks for all that such a
// context can tell. Aborts where the library breaks a promise: a status of its own fault, a message
// that is empty or no UTF-8, a context beside an error.
void load_and_use(std::span<const File> files);

}  // namespace fuzz
