// nemotron run: one answer, a conversation, or the continuation of a plain text.
#include <cstdio>
#include <memory>

#include "conversation.h"
#include "interactive.h"
#include "interrupt.h"
#include "options.h"
#include "program.h"

namespace {

constexpr const char* kFooter =
    R"(Answers and tool calls go to standard output; thoughts and timings to standard error.
Without -p you get a conversation: ^C ends an answer; /new begins again; /exit or ^D leaves.
Without --temp, --top-k and --top-p tokens are drawn as NVIDIA recommends, at temperature 1.
The same --seed gives the same answer.
Examples:
  nemotron run model.gguf --system "You are terse."
  nemotron run model.gguf -p "What is 17 * 23?" --temp 0
  nemotron run model.gguf -p "Turn off the kitchen light" --tools tools.json --thinking off \
      --tool-result '{"ok": true}'
  nemotron run model.gguf --raw -p "Once upon a time" -n 50)";

struct Options {
  ModelOptions model;
  ConversationOptions conversation;
  std::string prompt;
  std::string tools_path;
  std::string ids_path;
  std::vector<std::string> tool_results;
  bool is_raw = false;
};

// Generates after a prompt that is no conversation; everything is shown as it is.
void continue_plain_text(const nemotron::Context& context, const Options& options) {
  const std::vector<std::int32_t> prompt =
      options.ids_path.empty() ? context.tokenize(options.prompt)
                               : parse_ids(read_file(options.ids_path), options.ids_path);
  if (prompt.empty()) throw ProgramError("the prompt is empty");
  nemotron::Session session(context, 0, options.conversation.kv_type);
  const CancelOnInterrupt cancel(session);
  const nemo_generate_result result =
      session.generate(prompt, options.conversation.generate, write_out);
  write_out("\n");
  print_timings(result);
}

// One question; tool calls are answered from --tool-result as long as there are results.
void answer(Conversation& conversation, const Options& options) {
  conversation.add(nemotron::Message::user(options.prompt));
  Reply reply = conversation.reply();
  std::size_t n_used = 0;
  while (!reply.tool_calls.empty() &&
         n_used + reply.tool_calls.size() <= options.tool_results.size()) {
    for (std::size_t i = 0; i < reply.tool_calls.size(); ++i) {
      write_out("[tool result] " + options.tool_results[n_used] + "\n");
      conversation.add(nemotron::Message::tool(options.tool_results[n_used++]));
    }
    reply = conversation.reply();
  }
}

void run(Options& options) {
  if (!options.tools_path.empty()) options.conversation.tools_json = read_file(options.tools_path);
  const nemotron::Context context = load_model(options.model);
  catch_interrupts();
  if (options.is_raw || !options.ids_path.empty()) {
    continue_plain_text(context, options);
    return;
  }
  Conversation conversation(context, options.conversation);
  if (options.prompt.empty()) {
    chat(conversation);
  } else {
    answer(conversation, options);
  }
}

void add_prompt_options(CLI::App& command, Options& options) {
  CLI::Option* prompt = add_option(command, "-p,--prompt", &options.prompt, "Answer this and leave",
                                   {.type = "TEXT"});
  add_option(command, "--system", &options.conversation.system, "What the model should be",
             {.type = "TEXT"});
  add_option(command, "--tools", &options.tools_path, "JSON array of tools that the model may call",
             {.type = "FILE"});
  add_option(command, "--tool-result", &options.tool_results,
             "With -p: what a tool call returns, once for each call, in order",
             {.type = "TEXT", .takes_one = true});
  add_option(command, "--thinking", &options.conversation.thinking,
             "Reason before answering: on, off",
             {.type = "on|off", .choices = {{"on", 1}, {"off", 0}}});
  add_flag(command, "--raw", options.is_raw, "Continue the text of -p, no chat format", prompt);
  add_option(command, "--ids", &options.ids_path, "Continue these token ids, no chat format",
             {.type = "FILE", .excludes = prompt});
}

void add_generate_options(CLI::App& command, nemotron::GenerateOptions& options) {
  options.max_tokens = 2048;
  add_option(command, "-n,--max-tokens", &options.max_tokens,
             "Most tokens of an answer, 0: no limit (default: 2048)", {.type = "N"});
  add_option(command, "--seed", &options.seed, "Seed of the random numbers (default: 0)",
             {.type = "S"});
  const auto literal = [&options] { options.sampling_mode = NEMO_SAMPLING_LITERAL; };
  add_option(command, "--temp", &options.temperature, "Temperature; 0: always the likeliest",
             {.type = "T", .is_not_negative = true, .when_given = literal});
  add_option(command, "--top-k", &options.top_k, "Only the K likeliest tokens; 0: all",
             {.type = "K", .when_given = literal});
  add_option(command, "--top-p", &options.top_p,
             "Only the likeliest tokens that sum to this probability",
             {.type = "P", .is_fraction = true, .when_given = literal});
}

}  // namespace

void add_run_command(CLI::App& program) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = add_command(program, "run", "Chat, or answer one question", kFooter,
                                  [options] { run(*options); });
  add_model_options(command, options->model, /*has_weights=*/true);
  add_mapped_option(command, options->model);
  add_split_option(command, options->model);
  add_prompt_options(command, *options);
  add_generate_options(command, options->conversation.generate);
  add_kv_type_option(command, options->conversation.kv_type);
}
