// What the tests of failing files share: contexts and sessions of small models, and files' bytes.
#pragma once

#include <nemotron/nemotron.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "lib/io/temp_folder.h"
#include "memory.h"

namespace fault {

struct Free {
  void operator()(nemo_context* context) const { nemo_context_free(context); }
  void operator()(nemo_session* session) const { nemo_session_free(session); }
};
using Context = std::unique_ptr<nemo_context, Free>;
using Session = std::unique_ptr<nemo_session, Free>;

// In memory where there is such a file system: thousands of files on a disk take minutes.
class QuickFolder : public nemotron::TempFolder {
 public:
  QuickFolder()
      : TempFolder(std::filesystem::is_directory("/dev/shm")
                       ? std::filesystem::path("/dev/shm")
                       : std::filesystem::temp_directory_path()) {}
};

inline std::string data_path(const std::string& name) {
  return NEMO_TEST_SOURCE_DIR "/data/" + name;
}

inline nemo_context_options quick_options() {
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = 1;
  options.isa = NEMO_ISA_REF;
  options.max_step_rows = 32;
  options.allocator = &host_allocator();
  return options;
}

inline Context load(const std::string& path) {
  const nemo_context_options options = quick_options();
  nemo_context* context = nullptr;
  REQUIRE(nemo_context_load(path.c_str(), &options, &context, nullptr) == NEMO_OK);
  return Context(context);
}

// A session with the first `n` of some tokens; null when it cannot be had.
inline Session session_with(nemo_context* context, std::size_t n) {
  std::array<std::int32_t, 100> tokens{};
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = static_cast<std::int32_t>(10 + (i * 7) % 30);
  nemo_session_options options = NEMO_SESSION_OPTIONS_INIT;
  options.max_tokens = 128;
  nemo_session* session = nullptr;
  if (nemo_session_create(context, &options, &session, nullptr) != NEMO_OK) return nullptr;
  Session out(session);
  const nemo_status status = nemo_session_eval(session, tokens.data(), n, nullptr, 0, nullptr);
  return status == NEMO_OK ? std::move(out) : nullptr;
}

// All that a session is; empty when it cannot be saved.
inline std::string bytes_of(nemo_session* session) {
  std::string bytes(std::size_t{1} << 20, '\0');
  std::size_t size = 0;
  if (nemo_session_save_memory(session, nullptr, bytes.data(), bytes.size(), &size, nullptr) !=
      NEMO_OK)
    return {};
  bytes.resize(size);
  return bytes;
}

inline std::string content(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The names in a folder, sorted, and in folders in it: "a b/c ".
inline std::string names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    names.push_back(std::filesystem::relative(entry.path(), folder).string());
  std::sort(names.begin(), names.end());
  std::string out;
  for (const std::string& name : names) out.append(name).append(" ");
  return out;
}

}  // namespace fault
