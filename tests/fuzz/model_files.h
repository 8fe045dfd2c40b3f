// What the fuzz targets share: an input as files, and the whole of what the public interface does
// with the files of a model before it reads a weight.
#pragma once

#include <nemotron/nemotron.h>

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

// Prints what was promised and is not so, and aborts.
[[noreturn]] void broken_promise(const char* what, const nemo_error& error);
[[noreturn]] void broken_promise(const char* what, std::string_view where);

// Aborts where a call that returned `status` breaks a promise: a status of the library's own fault,
// a message that is empty or no UTF-8. With NEMO_FUZZ_VERBOSE, prints the status of `what`.
void check(nemo_status status, const nemo_error& error, const char* what = nullptr);

// Files as nemo_context_load_memory() takes them; they borrow from `files`.
std::vector<nemo_memory_file> in_memory(std::span<const File> files);

// Loads the model without weights from memory and, when that succeeds, asks for all that such a
// context can tell.
void load_and_use(std::span<const File> files);

}  // namespace fuzz
