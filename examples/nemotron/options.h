// The options of a subcommand, over CLI11, which takes long to compile: only options.cpp and
// main.cpp include it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

// What an option writes to. A value that its type does not hold is refused.
using OptionTarget = std::variant<std::string*, std::vector<std::string>*, bool*, int*,
                                  std::uint32_t*, std::uint64_t*, float*>;

struct OptionRules {
  const char* type = "";  // as --help names its value
  bool is_required = false;
  bool shows_default = false;  // in --help
  bool takes_one = false;      // of a list: one value each time it is given
  bool is_not_negative = false;
  bool is_fraction = false;                           // 0 to 1
  std::optional<std::int32_t> max_count = {};         // whole numbers from 0 to that
  std::map<std::string, std::uint32_t> choices = {};  // words that stand for values
  CLI::Option* excludes = nullptr;
  std::function<void()> when_given = {};
};

// run() is called when the subcommand was chosen and its options were read.
CLI::App& add_command(CLI::App& program, const char* name, const char* text, const char* footer,
                      std::function<void()> run);
CLI::Option* add_option(CLI::App& command, const char* name, OptionTarget target, const char* text,
                        const OptionRules& rules);
void add_flag(CLI::App& command, const char* name, bool& target, const char* text,
              CLI::Option* needs = nullptr);
