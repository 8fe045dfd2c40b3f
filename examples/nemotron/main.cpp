// The nemotron command: talk to a model, look into it, tokenize, write logits. It uses the
// library's public headers only, so each subcommand also shows how to use them.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "hub_model.h"
#include "program.h"

namespace {

constexpr int kRuntimeError = 1;
constexpr int kUsageError = 2;

constexpr const char* kFooter = R"(Examples:
  nemotron run model.gguf                          chat
  nemotron run model.gguf -p "Why is the sky blue?" --thinking off
  nemotron inspect model.gguf                      what is in the file, what a session costs
  echo "Hello" | nemotron tokenize model.gguf
Try "nemotron SUBCOMMAND --help" for more.)";

std::string version_text() {
  return "nemotron " NEMO_VERSION_STRING "\n" + nemotron::build_info() + "pull: " + hub_version() +
         "\n";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("Run NVIDIA Nemotron 3 Nano and its relatives, on this machine.", "nemotron");
  program.set_version_flag("--version", version_text, "Version, build and processor");
  program.footer(kFooter);
  program.require_subcommand(1);
  try {
    add_run_command(program);
    add_inspect_command(program);
    add_tokenize_command(program);
    add_logits_command(program);
    add_bench_command(program);
    add_quantize_command(program);
    add_imatrix_command(program);
    add_synth_command(program);
    add_pull_command(program);
    add_devices_command(program);
    program.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : kUsageError;
  } catch (const nemotron::Error& error) {
    std::fprintf(stderr, "nemotron: %s (%s)\n", error.what(), error.status_name());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "nemotron: %s\n", error.what());
  }
  return kRuntimeError;
}
