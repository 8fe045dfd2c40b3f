// nemotron bench: how fast a model loads, reads a prompt and writes, beside what the machine
// allows.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "bench_depth.h"
#include "bench_operations.h"
#include "bench_prefix.h"
#include "bench_report.h"
#include "bench_sessions.h"
#include "calibration.h"
#include "hub_model.h"
#include "options.h"
#include "program.h"

namespace {

using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr const char* kFooter =
    R"(Tokens are random, so the model's text is not needed and any file will do. Medians over --repeat runs;
beside each rate stands the part of what the machine was measured to reach just before: reading memory
for decode, and for prefill the fastest arithmetic of the instruction set level, whatever the model's
type. A model that fits into a cache passes the former. Example:
  nemotron bench model.gguf --prompt 512 --generate 64 --depth 4096 --threads 2 --json)";

struct Options {
  ModelOptions model;
  std::uint32_t kv_type = NEMO_KV_DEFAULT;
  std::size_t n_prompt = 512;
  std::size_t n_generate = 64;
  std::size_t depth = 0;
  std::size_t n_sessions = 1;
  std::size_t n_depths = 0;
  std::size_t n_prefix = 0;
  std::size_t n_turn = 64;
  std::uint64_t budget_us = 0;
  int n_repeats = 3;
  bool as_json = false;
};

// What one token costs, from the shapes of the file.
struct TokenCost {
  double weight_bytes = 0;  // matrices that every token meets
  double layer_ops = 0;     // two per multiplication and addition
  double head_ops = 0;      // the output head: of the last token of a prompt only
};

TokenCost token_cost(const nemotron::Context& context) {
  TokenCost cost;
  const std::uint32_t n_tensors = context.model_info().n_tensors;
  for (std::uint32_t i = 0; i < n_tensors; ++i) {
    const nemo_tensor_info tensor = context.tensor(i);
    const std::string_view name = tensor.name;
    const bool is_table = name.find("embd") != name.npos || name.find("embeddings") != name.npos;
    const bool is_conv = name.find("conv1d") != name.npos;
    if (tensor.n_dims != 2 || tensor.shape[0] == 1 || tensor.shape[1] == 1 || is_table || is_conv)
      continue;
    const double ops =
        2.0 * static_cast<double>(tensor.shape[0]) * static_cast<double>(tensor.shape[1]);
    cost.weight_bytes += static_cast<double>(tensor.size_bytes);
    (tensor.shape[0] == context.model_info().n_vocab ? cost.head_ops : cost.layer_ops) += ops;
  }
  return cost;
}

double kv_bytes_per_token(const nemo_model_info& info, std::uint32_t kv_type) {
  const double in_bf16 = static_cast<double>(info.kv_bytes_per_token);
  if (kv_type == NEMO_KV_F32) return 2 * in_bf16;
  return kv_type == NEMO_KV_Q8 ? in_bf16 * 17 / 32 : in_bf16;
}

std::vector<std::int32_t> random_tokens(std::size_t n, std::uint32_t n_vocab) {
  std::vector<std::int32_t> tokens(n);
  std::uint64_t state = 88172645463325252u;
  for (std::int32_t& token : tokens) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    token = static_cast<std::int32_t>(state % n_vocab);
  }
  return tokens;
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Seconds per run, sorted.
struct Times {
  std::vector<double> seconds;

  void add(double value) {
    seconds.insert(std::upper_bound(seconds.begin(), seconds.end(), value), value);
  }
  double median() const { return seconds[seconds.size() / 2]; }
  ordered_json rates(std::size_t n_tokens) const {
    const auto n = static_cast<double>(n_tokens);
    return {{"median", n / median()}, {"min", n / seconds.back()}, {"max", n / seconds.front()}};
  }
};

// Tokens of a prompt per second; the head runs on the last row alone.
Times time_prefill(nemotron::Session& session, const std::vector<std::int32_t>& tokens,
                   std::vector<float>& logits, int n_repeats, OperationBench& operations) {
  Times times;
  for (int i = 0; i < n_repeats; ++i) {
    session.reset();
    times.add(operations.time(i + 1 == n_repeats, [&] { session.eval(tokens, logits); }));
  }
  return times;
}

// One token after another on top of `before`, each with its logits.
Times time_decode(nemotron::Session& session, const std::vector<std::int32_t>& before,
                  const std::vector<std::int32_t>& tokens, std::vector<float>& logits,
                  int n_repeats, OperationBench& operations) {
  Times times;
  for (int i = 0; i < n_repeats; ++i) {
    session.reset();
    session.eval(before);
    times.add(operations.time(i + 1 == n_repeats, [&] {
      for (const std::int32_t& token : tokens) session.eval({&token, 1}, logits);
    }));
  }
  return times;
}

// What is measured only where it is asked for.
void measure_more(const Options& options, const nemotron::Context& context,
                  const std::vector<std::int32_t>& tokens, OperationBench& operations,
                  ordered_json& report) {
  if (options.n_sessions > 1)
    report["sessions"] = bench_sessions(
        context,
        {options.n_sessions, options.n_generate, std::max<std::size_t>(1, options.depth),
         options.n_repeats, options.kv_type},
        tokens, operations);
  if (options.n_depths > 0)
    report["depths"] = bench_depth(context,
                                   {options.n_depths, std::max<std::size_t>(1, options.n_generate),
                                    options.n_repeats, options.kv_type},
                                   tokens);
  if (options.n_prefix > 0)
    report["prefix"] = bench_prefix(
        context, {options.n_prefix, options.n_turn, options.n_repeats, options.kv_type}, tokens);
  if (options.budget_us > 0)
    report["budget"] = bench_budget(
        context, options.budget_us,
        std::vector<std::int32_t>(tokens.begin(),
                                  tokens.begin() + static_cast<std::ptrdiff_t>(
                                                       std::max<std::size_t>(1, options.n_prompt))),
        50);
}

double share_of(double rate, double limit) { return limit > 0 ? rate / limit : 0.0; }

// The level that the model will run at.
std::uint32_t isa_of(const ModelOptions& options) {
  nemotron::LoadOptions load;
  load.flags = options.flags();
  load.isa = options.isa;
  return nemotron::Context::plan(local_model_path(options.path), load, {}).isa;
}

ordered_json measure(const Options& options) {
  const unsigned n_threads = options.model.n_threads != 0
                                 ? options.model.n_threads
                                 : std::max(1u, std::thread::hardware_concurrency());
  // What a GPU allows is not measured.
  const MachineLimits limits = options.model.device == NEMO_DEVICE_CPU
                                   ? measure_machine(n_threads, isa_of(options.model))
                                   : MachineLimits{};
  const auto start = Clock::now();
  nemotron::Context context = load_model(options.model);
  ordered_json report = {{"model", options.model.path}, {"threads", n_threads}};
  report["load_s"] = seconds_since(start);
  report["machine"] = {{"read_bytes_per_s", limits.read_bytes_per_s},
                       {"int8_ops_per_s", limits.int8_ops_per_s},
                       {"bf16_ops_per_s", limits.bf16_ops_per_s},
                       {"f32_ops_per_s", limits.f32_ops_per_s}};
  OperationBench operations(context, limits);

  const nemo_model_info info = context.model_info();
  const TokenCost cost = token_cost(context);
  const auto tokens =
      random_tokens(std::max({options.n_prompt, options.n_generate, options.depth + 1,
                              options.n_prefix + options.n_turn, options.n_depths}),
                    info.n_vocab);
  std::vector<float> logits(info.n_vocab);
  nemotron::Session session(context, 0, options.kv_type);
  const auto first = [&](std::size_t n) {
    return std::vector<std::int32_t>(tokens.begin(),
                                     tokens.begin() + static_cast<std::ptrdiff_t>(n));
  };
  if (options.n_prompt > 0) {
    const Times times =
        time_prefill(session, first(options.n_prompt), logits, options.n_repeats, operations);
    const double ops = cost.layer_ops * static_cast<double>(options.n_prompt) + cost.head_ops;
    const bool has_int8 = limits.int8_ops_per_s > 0;
    const double peak = has_int8 ? limits.int8_ops_per_s : limits.f32_ops_per_s;
    report["prefill"] = {{"tokens", options.n_prompt},
                         {"tokens_per_s", times.rates(options.n_prompt)},
                         {"ops_per_s", ops / times.median()},
                         {"limit", has_int8 ? "int8" : "f32"},
                         {"of_limit", share_of(ops / times.median(), peak)},
                         {"by_operation", operations.report()}};
  }
  if (options.n_generate > 0) {
    const Times times =
        time_decode(session, first(std::max<std::size_t>(1, options.depth)),
                    first(options.n_generate), logits, options.n_repeats, operations);
    const double depth =
        static_cast<double>(options.depth) + static_cast<double>(options.n_generate) / 2;
    const double bytes = cost.weight_bytes + 2.0 * static_cast<double>(info.recurrent_state_bytes) +
                         depth * kv_bytes_per_token(info, options.kv_type);
    const double rate = static_cast<double>(options.n_generate) / times.median();
    report["decode"] = {{"tokens", options.n_generate},
                        {"depth", options.depth},
                        {"tokens_per_s", times.rates(options.n_generate)},
                        {"bytes_per_token", bytes},
                        {"bytes_per_s", bytes * rate},
                        {"limit", "read"},
                        {"of_limit", share_of(bytes * rate, limits.read_bytes_per_s)},
                        {"by_operation", operations.report()}};
  }
  measure_more(options, context, tokens, operations, report);
  return report;
}

}  // namespace

void add_bench_command(CLI::App& program) {
  const auto options = std::make_shared<Options>();
  CLI::App& command =
      add_command(program, "bench", "Measure how fast a model runs here", kFooter, [options] {
        if (options->n_repeats < 1) throw ProgramError("--repeat must be at least 1");
        if (options->n_turn < 1) throw ProgramError("--turn must be at least 1");
        const ordered_json report = measure(*options);
        if (options->as_json) {
          write_out(report.dump(2) + "\n");
        } else {
          print_bench_report(report);
        }
      });
  add_model_options(command, options->model, true);
  add_mapped_option(command, options->model);
  add_kv_type_option(command, options->kv_type);
  const auto add_count = [&](const char* name, auto& value, const char* text) {
    add_option(command, name, &value, text, {.type = "N", .shows_default = true});
  };
  add_count("--prompt", options->n_prompt, "Tokens of the prompt; 0: leave it out");
  add_count("--generate", options->n_generate, "Tokens to decode; 0: leave it out");
  add_count("--depth", options->depth, "Tokens before the decoded ones");
  add_count("--sessions", options->n_sessions,
            "Sessions that also decode together; needs a model with a tokenizer");
  add_count("--depths", options->n_depths,
            "Measure prompt and decoding at depths up to N tokens, doubling; 0: leave it out");
  add_count(
      "--prefix", options->n_prefix,
      "Tokens in the prefix cache before a turn, to measure its first token; needs a model with a "
      "tokenizer; 0: leave it out");
  add_count("--turn", options->n_turn, "Tokens of that turn");
  add_count("--budget", options->budget_us,
            "Microseconds of a pump, to measure how it is kept; 0: leave it out");
  add_count("--repeat", options->n_repeats, "Runs of each");
  add_flag(command, "--json", options->as_json, "Print JSON");
}
