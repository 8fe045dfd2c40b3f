// nemotron inspect: the configuration, the tensors and the memory that a model needs.
#include <cinttypes>
#include <cstdio>
#include <map>
#include <memory>

#include "hub_model.h"
#include "options.h"
#include "program.h"

namespace {

constexpr const char* kFooter = R"(Reads and checks the whole file, but loads no weights.
Example:
  nemotron inspect model.gguf --sessions 8 --context 4096 --kv-type q8)";

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

void print_line(std::uint64_t bytes, const std::string& what) {
  std::printf("  %12s  %s\n", format_bytes(bytes).c_str(), what.c_str());
}

void print_plan(const nemo_memory_plan& plan, std::uint32_t max_context) {
  static constexpr const char* kLevels[] = {"auto", "ref", "avx2", "avx512", "neon"};
  const std::string each = plan.n_sessions == 1 ? "" : std::to_string(plan.n_sessions) + " times ";
  std::printf("\nmemory with %" PRIu32 " session%s of %" PRIu32 " tokens%s\n", plan.n_sessions,
              plan.n_sessions == 1 ? "" : "s", plan.n_tokens,
              plan.n_tokens == max_context ? ", the most" : "");
  if (plan.mapped_bytes > 0)
    print_line(plan.mapped_bytes,
               "of the file, mapped: not counted, shared with others that map it");
  print_line(plan.weight_bytes,
             std::string(plan.mapped_bytes > 0 ? "small weights, for " : "weights, for ") +
                 kLevels[plan.isa]);
  print_line(plan.scratch_bytes, "working memory");
  print_line(plan.recurrent_bytes, each + "recurrent state");
  print_line(plan.kv_bytes, each + "keys and values");
  if (plan.snapshot_bytes > 0) print_line(plan.snapshot_bytes, "for snapshots, at most");
  print_line(plan.total_bytes, "together");
}

struct InspectOptions {
  ModelOptions model;
  nemotron::PlanOptions sessions;
  std::uint64_t snapshot_mib = 512;
};

void inspect(const InspectOptions& options) {
  const nemotron::Context context = load_model(options.model, NEMO_LOAD_NO_WEIGHTS);
  const nemo_model_info info = context.model_info();
  print_config(context, info);
  print_tensors(context, info);
  nemotron::LoadOptions load;
  load.flags = options.model.flags();
  load.n_threads = options.model.n_threads;
  load.isa = options.model.isa;
  load.snapshot_bytes = options.snapshot_mib == 0 ? NEMO_NO_SNAPSHOTS : options.snapshot_mib << 20;
  const std::string path = local_model_path(options.model.path);
  print_plan(nemotron::Context::plan(path, load, options.sessions), info.max_context);
  write_out("");
}

}  // namespace

void add_inspect_command(CLI::App& program) {
  const auto options = std::make_shared<InspectOptions>();
  CLI::App& command = add_command(program, "inspect", "Say what a model is and what it costs",
                                  kFooter, [options] { inspect(*options); });
  add_model_options(command, options->model, /*has_weights=*/true);
  add_mapped_option(command, options->model);
  add_option(command, "--sessions", &options->sessions.n_sessions,
             "Plan for that many (default: 1)", {.type = "N"});
  add_option(command, "--context", &options->sessions.n_tokens,
             "Tokens in each of them (default: the model's most)", {.type = "N"});
  add_kv_type_option(command, options->sessions.kv_type);
  add_option(command, "--snapshots", &options->snapshot_mib,
             "MiB for the prefix cache (default: 512; 0: none)",
             {.type = "MIB", .max_count = 1 << 30});
}
