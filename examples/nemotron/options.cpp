#include "options.h"

#include <CLI/CLI.hpp>

#include "program.h"

namespace {

std::map<std::string, std::uint32_t> kernel_names() {
  return {{"products", NEMO_CUDA_PLAIN_PRODUCTS},
          {"attention", NEMO_CUDA_PLAIN_ATTENTION},
          {"scan", NEMO_CUDA_PLAIN_SCAN},
          {"convolution", NEMO_CUDA_PLAIN_CONVOLUTION},
          {"all", NEMO_CUDA_PLAIN_ALL}};
}

// Without their descriptions, which --help would print behind the type.
void add_checks(CLI::Option& option, const OptionRules& rules) {
  if (!rules.choices.empty())
    option.transform(CLI::CheckedTransformer(rules.choices).description(""));
  if (rules.max_count) option.check(CLI::Range(0, *rules.max_count).description(""));
  if (rules.is_not_negative) option.check(CLI::NonNegativeNumber.description(""));
  if (rules.is_fraction) option.check(CLI::Range(0.0, 1.0).description(""));
  if (rules.when_given)
    option.each([when_given = rules.when_given](const std::string&) { when_given(); });
}

}  // namespace

CLI::App& add_command(CLI::App& program, const char* name, const char* text, const char* footer,
                      std::function<void()> run) {
  CLI::App& command = *program.add_subcommand(name, text);
  command.footer(footer);
  command.callback(std::move(run));
  return command;
}

CLI::Option* add_option(CLI::App& command, const char* name, OptionTarget target, const char* text,
                        const OptionRules& rules) {
  CLI::Option* option =
      std::visit([&](auto* value) { return command.add_option(name, *value, text); }, target);
  option->type_name(rules.type)->required(rules.is_required);
  if (rules.shows_default) option->capture_default_str();
  if (rules.takes_one) option->allow_extra_args(false);
  if (rules.excludes != nullptr) option->excludes(rules.excludes);
  add_checks(*option, rules);
  return option;
}

void add_flag(CLI::App& command, const char* name, bool& target, const char* text,
              CLI::Option* needs) {
  CLI::Option* flag = command.add_flag(name, target, text);
  if (needs != nullptr) flag->needs(needs);
}

void add_threads_option(CLI::App& command, std::uint32_t& n_threads) {
  add_option(command, "--threads", &n_threads, "Threads that compute (default: all cores)",
             {.type = "N", .max_count = 256});
}

void add_model_options(CLI::App& command, ModelOptions& options, bool has_weights) {
  add_option(command, "MODEL", &options.path,
             "A .gguf or .safetensors file, a folder that holds either, or hf:ORG/NAME[:FILE]",
             {.is_required = true});
  if (!has_weights) return;
  add_threads_option(command, options.n_threads);
  add_option(command, "--isa", &options.isa,
             "Instruction set: auto, avx512, avx2, neon, or ref (slow, exact)",
             {.type = "LEVEL",
              .choices = {{"auto", NEMO_ISA_AUTO},
                          {"ref", NEMO_ISA_REF},
                          {"avx2", NEMO_ISA_AVX2},
                          {"avx512", NEMO_ISA_AVX512},
                          {"neon", NEMO_ISA_NEON}}});
  add_option(
      command, "--device", &options.device,
      "cpu, cuda (experimental; see nemotron devices), or auto (cuda, if usable)",
      {.type = "DEVICE",
       .choices = {
           {"cpu", NEMO_DEVICE_CPU}, {"auto", NEMO_DEVICE_AUTO}, {"cuda", NEMO_DEVICE_CUDA}}});
  command
      .add_option_function<std::vector<std::uint32_t>>(
          "--cuda-plain",
          [&options](const std::vector<std::uint32_t>& bits) {
            for (const std::uint32_t bit : bits) options.cuda_plain_kernels |= bit;
          },
          "On a GPU, what is not to be fast: products, attention, scan, convolution or all")
      ->transform(CLI::CheckedTransformer(kernel_names()).description(""))
      ->type_name("LIST")
      ->delimiter(',');
}

std::string names_of_kernels(std::uint32_t plain_kernels) {
  std::string out;
  for (const auto& [name, bit] : kernel_names())
    if (bit != NEMO_CUDA_PLAIN_ALL && (plain_kernels & bit) != 0)
      out += (out.empty() ? "" : ",") + name;
  return out;
}

void add_mapped_option(CLI::App& command, ModelOptions& options) {
  add_flag(command, "--mapped", options.is_mapped,
           "Use the weights where the file is mapped, shared between processes: slower, no copy");
}

void add_split_option(CLI::App& command, ModelOptions& options) {
  add_flag(command, "--llama3-split", options.has_llama3_split,
           "Cut text as llama.cpp does for this family, to get its token ids");
}

void add_kv_type_option(CLI::App& command, std::uint32_t& kv_type) {
  add_option(command, "--kv-type", &kv_type, "Keys and values of attention in bf16, f32 or q8",
             {.type = "TYPE",
              .choices = {{"bf16", NEMO_KV_BF16}, {"f32", NEMO_KV_F32}, {"q8", NEMO_KV_Q8}}});
}
