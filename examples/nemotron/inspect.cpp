// nemotron inspect: the configuration, the tensors and the memory that a model needs.
#include <cinttypes>
#include <cstdio>
#include <map>
#include <memory>

#include "program.h"

namespace {

constexpr const char* kFooter = R"(Reads and checks the whole file, but loads no weights.
Example:
  nemotron inspect model.gguf)";

void print_config(const nemotron::Context& context, const nemo_model_info& info) {
  const std::string pattern(context.layer_pattern());
  std::size_t n_mamba = 0, n_attention = 0, n_mlp = 0;
  for (const char kind : pattern) {
    n_mamba += kind == 'M';
    n_attention += kind == '*';
    n_mlp += kind == '-';
  }
  std::printf("format       %s\n", std::string(context.format()).c_str());
  std::printf("parameters   %.2f million in %" PRIu32 " tensors, %s\n",
              static_cast<double>(info.n_parameters) / 1e6, info.n_tensors,
              format_bytes(info.tensor_bytes).c_str());
  std::printf("layers       %" PRIu32 ": %s\n", info.n_layers, pattern.c_str());
  std::printf("             %zu Mamba-2 (M), %zu attention (*), %zu MLP (-)\n", n_mamba,
              n_attention, n_mlp);
  std::printf("width        %" PRIu32 ", MLP %" PRIu32 "\n", info.d_model, info.d_ff);
  std::printf("Mamba-2      %" PRIu32 " heads of %" PRIu32 ", state %" PRIu32 ", %" PRIu32
              " groups, convolution over %" PRIu32 "\n",
              info.n_ssm_heads, info.ssm_head_dim, info.d_state, info.n_groups, info.d_conv);
  std::printf("attention    %" PRIu32 " heads of %" PRIu32 ", %" PRIu32 " for keys and values\n",
              info.n_heads, info.head_dim, info.n_kv_heads);
  std::printf("vocabulary   %" PRIu32 " tokens%s\n", info.n_vocab,
              info.has_tokenizer != 0 ? "" : ", no tokenizer");
  std::printf("context      up to %" PRIu32 " tokens\n", info.max_context);
}

void print_tensors(const nemotron::Context& context, const nemo_model_info& info) {
  struct Sum {
    std::uint64_t n_tensors = 0;
    std::uint64_t bytes = 0;
  };
  std::map<std::string, Sum> by_type;
  for (std::uint32_t i = 0; i < info.n_tensors; ++i) {
    const nemo_tensor_info tensor = context.tensor(i);
    Sum& sum = by_type[tensor.type];
    ++sum.n_tensors;
    sum.bytes += tensor.size_bytes;
  }
  std::printf("\ntensors by type\n");
  for (const auto& [type, sum] : by_type)
    std::printf("  %-8s %5" PRIu64 "  %12s\n", type.c_str(), sum.n_tensors,
                format_bytes(sum.bytes).c_str());
}

void print_costs(const nemo_model_info& info) {
  std::printf("\nmemory\n");
  std::printf("  per session, at any length    %12s  recurrent state\n",
              format_bytes(info.recurrent_state_bytes).c_str());
  constexpr std::uint64_t kBlockTokens = 64;
  for (std::uint64_t n_tokens = 1024;; n_tokens *= 8) {
    const bool is_last = n_tokens >= info.max_context;
    if (is_last) n_tokens = info.max_context;
    const std::uint64_t n_blocks = (n_tokens + kBlockTokens - 1) / kBlockTokens;
    std::printf("  + keys and values of %8" PRIu64 " %12s  in bf16; twice that in f32\n", n_tokens,
                format_bytes(n_blocks * kBlockTokens * info.kv_bytes_per_token).c_str());
    if (is_last) break;
  }
  if (info.scratch_bytes > 0)
    std::printf("  shared by all sessions        %12s  working memory\n",
                format_bytes(info.scratch_bytes).c_str());
}

void inspect(const ModelOptions& options) {
  const nemotron::Context context = load_model(options, NEMO_LOAD_NO_WEIGHTS);
  const nemo_model_info info = context.model_info();
  print_config(context, info);
  print_tensors(context, info);
  print_costs(info);
  write_out("");
}

}  // namespace

void add_inspect_command(CLI::App& program) {
  const auto options = std::make_shared<ModelOptions>();
  CLI::App& command = *program.add_subcommand("inspect", "Say what a model is and what it costs");
  add_model_options(command, *options, /*has_weights=*/false);
  command.footer(kFooter);
  command.callback([options] { inspect(*options); });
}
