// A conversation through the C ABI whose every call is made again when memory ran out in it, and
// what it computed. It allocates nothing itself.
#pragma once

#include <nemotron/nemotron.h>

#include <array>
#include <cstdint>

namespace fault {

constexpr std::size_t kVocab = 320;  // of tiny_chat

// A text that does not grow by allocating.
struct Text {
  std::array<char, 2048> bytes{};
  std::size_t size = 0;
  void append(const char* text, std::uint64_t n);
  bool operator==(const Text&) const = default;
};

struct Outcome {
  std::array<float, kVocab> prefilled{};
  std::array<float, kVocab> forked{};
  std::array<float, kVocab> rewound{};
  std::array<float, kVocab> restored{};
  Text generated;  // by generate, with a callback
  Text polled;     // by submit, pump and poll
  std::uint64_t position = 0;
  bool operator==(const Outcome&) const = default;
};

enum class Use : std::uint8_t { kPump, kWorker, kMapped };  // kMapped: pumped, too

struct Report {
  Outcome outcome;
  int n_failures = 0;     // calls that returned NEMO_E_OUT_OF_MEMORY, or such an event
  nemo_status wrong = 0;  // any other failure, and in which call
  const char* where = nullptr;
};

// Loads; NULL when memory ran out. Other failures go to the report.
nemo_context* load(const char* path, Use use, Report& report);
// All else, on sessions of its own.
void converse(nemo_context* context, Use use, Report& report);

}  // namespace fault
