// nemotron pull: models of the Hugging Face hub, into the cache that other programs use too.
#include <memory>

#include "hub_model.h"
#include "options.h"
#include "program.h"

namespace {

constexpr const char* kFooter =
    R"(MODEL is ORG/NAME, ORG/NAME:FILE or ORG/NAME:WORD, where WORD is a word of a GGUF
file's name, as Q4_K_M; ORG/NAME@REVISION... for a branch, a tag or a commit. Everywhere
else the command takes it with hf: before it, and pulls only what it has not.
Prints the path of each. Files go to Hugging Face's own cache, are checked against
their hashes, and a download that was cut goes on where it stopped.
Environment: HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_HUB_OFFLINE, https_proxy.
Examples:
  nemotron pull nvidia/NVIDIA-Nemotron-3-Nano-4B-GGUF
  nemotron run hf:nvidia/NVIDIA-Nemotron-3-Nano-4B-GGUF)";

}  // namespace

void add_pull_command(CLI::App& program) {
  const auto names = std::make_shared<std::vector<std::string>>();
  CLI::App& command =
      add_command(program, "pull", "Download a model from Hugging Face", kFooter, [names] {
        for (const std::string& name : *names) write_out(pull_model(name) + "\n");
      });
  add_option(command, "MODEL", names.get(), "What to download", {.is_required = true});
}
