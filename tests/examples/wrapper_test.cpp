// nemotron.hpp on a model: every method once, and exceptions out of callbacks.
//   wrapper_test MODEL.gguf
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nemotron/nemotron.hpp>
#include <stdexcept>

#include <unistd.h>

namespace {

int n_failures = 0;
std::string model_path;

void check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "FAILED: %s\n", what);
  ++n_failures;
}

template <typename Exception, typename Body>
void check_throws(const Body& body, const char* what) {
  try {
    body();
  } catch (const Exception&) {
    return;
  }
  check(false, what);
}

void check_text(const nemotron::Context& context) {
  using nemotron::Message;
  const std::string text = "Turn on the light, \xc3\xa9t\xc3\xa9 <|im_end|>";
  check(context.detokenize(context.tokenize(text)) == text, "tokenize and detokenize");
  check(context.tokenize("<|im_end|>", true).size() == 1, "parse_special");
  check(context.tokenize("").empty(), "no text, no tokens");
  nemotron::ChatOptions chat;
  chat.flags = NEMO_CHAT_NO_GENERATION_PROMPT;
  chat.tools = R"([{"name": "f"}])";
  const std::string long_text(10000, 'x');
  const std::vector<Message> messages = {Message::system("s"), Message::user(long_text),
                                         Message::assistant("a", "r", R"([{"name": "f"}])"),
                                         Message::tool("t")};
  const std::string rendered = context.render(messages, chat);
  check(rendered.find("<function=f>") != std::string::npos, "render writes calls");
  check(rendered.find(long_text) != std::string::npos, "render writes long texts");
  check(context.detokenize(context.chat_tokenize(messages, chat)) == rendered,
        "chat_tokenize is the rendered text");
  try {
    context.render({{"nobody", "", "", ""}});
    check(false, "an unknown role is refused");
  } catch (const nemotron::Error& error) {
    check(error.status() == NEMO_E_INVALID_ARGUMENT, "status of an error");
    check(std::strcmp(error.status_name(), "NEMO_E_INVALID_ARGUMENT") == 0, "name of a status");
    check(std::strstr(error.what(), "nobody") != nullptr, "sentence of an error");
  }
}

void check_session(const nemotron::Context& context) {
  const std::size_t n_vocab = context.model_info().n_vocab;
  const auto prompt = context.tokenize("Turn on the light");
  nemotron::Session session(context, 64, NEMO_KV_F32);
  std::vector<float> logits(n_vocab);
  session.eval(prompt, logits);
  check(session.position() == prompt.size() && session.tokens() == prompt, "eval adds tokens");
  session.reset();
  check(session.position() == 0 && session.tokens().empty(), "reset forgets");

  nemotron::GenerateOptions options;
  options.max_tokens = 5;
  options.ignore_stop_tokens = true;
  std::string text;
  const auto result = session.generate(prompt, options, [&](std::string_view t) { text += t; });
  check(result.n_generated_tokens == 5 && result.finish_reason == NEMO_FINISH_LENGTH, "generate");
  nemotron::Session other(context, 64, NEMO_KV_F32);
  std::vector<std::int32_t> sampled;
  other.generate(prompt, options, [&](const nemo_generate_event& event) {
    if (event.token >= 0) sampled.push_back(event.token);
  });
  check(sampled.size() == 5 && context.detokenize(sampled).starts_with(text), "whole events");

  other.reset();
  check(other.generate(prompt, options, [](std::string_view) { return false; }).finish_reason ==
            NEMO_FINISH_CANCELLED,
        "false ends generation");
  other.reset();
  check_throws<std::logic_error>(
      [&] {
        other.generate(prompt, options, [](std::string_view) { throw std::logic_error("mine"); });
      },
      "an exception of the callback comes back");
  const nemotron::Session restored =
      nemotron::Session::restore_memory(context, session.save_memory(), 40);
  check(restored.tokens() == session.tokens(), "a session goes through memory");
  const std::string saved = std::filesystem::temp_directory_path() /
                            ("nemo-wrapper-test-" + std::to_string(::getpid()) + ".session");
  session.save(saved, 0);
  check(nemotron::Session::restore(context, saved).tokens() == session.tokens(),
        "a session goes through a file");
  check_throws<nemotron::Error>([&] { nemotron::Session::restore(context, saved, 1); },
                                "a restored session keeps to its limit");
  std::remove(saved.c_str());
  other = std::move(session);
  check(other.position() == prompt.size() + 4, "moved sessions keep their tokens");
  check_throws<nemotron::Error>([&] { other.generate({}, options); }, "an empty prompt is refused");
}

std::string text_of(nemotron::Session& session) {
  std::string text;
  while (const nemotron::Event event = session.wait())
    if (event.type == NEMO_EVENT_TEXT) text += event.text;
  return text;
}

void check_requests(nemotron::Context& context) {
  const auto prompt = context.tokenize("Turn on the light");
  nemotron::GenerateOptions options;
  options.max_tokens = 8;
  options.ignore_stop_tokens = true;
  std::string expected;
  nemotron::Session session(context, 64);
  session.generate(prompt, options, [&](std::string_view t) { expected += t; });

  nemotron::Session other(context, {.max_tokens = 64, .priority = 1, .snapshot_every = 4});
  check(!other.poll(), "nothing to poll");
  check(other.submit(prompt, options) == 1 && other.stats().is_running == 1, "submit");
  check(context.pump(1).has_more == 1, "pump with a budget");
  check(context.profile().empty(), "nothing is measured unasked");
  context.set_profiling(true);
  check(context.pump().has_more == 0 && !other.stats().is_running, "pump to the end");
  context.set_profiling(false);
  check(!context.profile().empty() && context.profile()[0].n_runs > 0, "profile");
  std::string text;
  nemotron::Event last;
  while (const nemotron::Event event = other.poll()) {
    if (event.type == NEMO_EVENT_TEXT) text += event.text;
    last = event;
  }
  check(text == expected && last.is_end() && last.n_generated_tokens == 8, "events of poll");
  check(context.stats().n_sessions == 2 && context.stats().n_steps > 0, "stats of a context");

  nemotron::Session third(context, 64);
  text.clear();
  int n_ends = 0;
  third.submit(prompt, options, [&](const nemotron::Event& event) {
    if (event.type == NEMO_EVENT_TEXT) text += event.text;
    if (event.is_end()) ++n_ends;
  });
  check(!third.wait() && text == expected && n_ends == 1, "events of a callback");
  third.reset();
  third.submit(prompt, options, [](const nemotron::Event&) { return false; });
  context.pump();
  check(third.position() == prompt.size(), "false ends a request");
  third.submit(prompt, options, [](const nemotron::Event&) { throw std::logic_error("mine"); });
  context.pump();
  check_throws<std::logic_error>([&] { third.poll(); }, "an exception of a request comes back");
  check(!third.poll(), "and only once");
  third.submit(prompt, options);
  third.cancel(77);
  third.cancel();
  const nemotron::Event end = third.wait();
  check(end.type == NEMO_EVENT_FINISH && end.finish_reason == NEMO_FINISH_CANCELLED, "cancel");
  check_throws<nemotron::Error>([&] { third.submit({}, options); }, "an empty request is refused");

  nemotron::LoadOptions with_worker;
  with_worker.worker = true;
  with_worker.max_running = 2;
  with_worker.snapshot_bytes = NEMO_NO_SNAPSHOTS;
  nemotron::Context worker = nemotron::Context::load(model_path, with_worker);
  nemotron::Session busy(worker, 64);
  busy.submit(prompt, options);
  check(text_of(busy) == expected, "a worker says the same");
  check_throws<nemotron::Error>([&] { worker.pump(); }, "a worker pumps alone");
}

void check_states(nemotron::Context& context) {
  const auto prompt = context.chat_tokenize({nemotron::Message::user("Turn on the light")});
  nemotron::GenerateOptions options;
  options.max_tokens = 40;
  options.parse_reply = true;
  options.whole_prompt = true;
  options.tools = R"([{"name": "f"}])";
  nemotron::Session session(context);
  std::string answer, reasoning;
  const auto result = session.generate(prompt, options, [&](const nemo_generate_event& event) {
    const std::string_view text(event.text, event.text_size);
    if (event.type == NEMO_EVENT_TEXT) answer += text;
    if (event.type == NEMO_EVENT_REASONING) reasoning += text;
  });
  check(result.n_generated_tokens > 0 && !reasoning.empty(), "a reply that is parsed");
  check((answer + reasoning).find("think>") == std::string::npos, "without tags");
  const std::uint64_t whole = session.position();
  nemotron::Session fork = session.fork();
  check(fork.position() == whole && fork.tokens() == session.tokens(), "fork");
  fork.eval(context.tokenize("More"));
  session.truncate_reply(answer.size());
  check(session.position() == whole, "all was heard");
  session.keep();
  session.adopt(fork);
  check(fork.position() == 0 && session.position() > whole, "adopt");
  check_throws<nemotron::Error>([&] { session.truncate_reply(0); }, "nothing to truncate");
  session.rewind(whole);
  check(session.position() == whole && session.stats().n_computed_tokens == whole, "rewind");
  check(session.stats().kv_bytes > 0, "stats of a session");
  options.parse_reply = false;
  options.max_tokens = 1;
  auto longer = session.tokens();
  longer.push_back(longer.back());
  check(session.generate(longer, options).n_reused_tokens == whole, "a whole prompt is reused");
}

void check_loading(const std::string& path) {
  using nemotron::Context;
  using nemotron::LoadOptions;
  LoadOptions options;
  std::uint64_t last = 0;
  options.on_progress = [&](std::uint64_t done, std::uint64_t) {
    last = done;
    return true;
  };
  options.on_log = [](std::int32_t, std::string_view) { throw 1; };
  options.log_level = NEMO_LOG_DEBUG;
  const Context context = Context::load(path, options);
  check(last > 0, "progress is told");
  const nemo_memory_plan plan =
      nemotron::Context::plan(path, {.snapshot_bytes = NEMO_NO_SNAPSHOTS}, {.n_sessions = 3});
  check(plan.total_bytes ==
            plan.weight_bytes + plan.scratch_bytes + 3 * (plan.recurrent_bytes + plan.kv_bytes),
        "plan");
  check_throws<nemotron::Error>([&] { nemotron::Context::plan(path, {.isa = 99}); }, "plan");
  check(context.layer_pattern().size() == context.model_info().n_layers, "layer_pattern");
  check(context.tensor(0).size_bytes > 0 && !context.format().empty(), "tensor and format");

  options.on_progress = [](std::uint64_t, std::uint64_t) { return false; };
  check_throws<nemotron::Error>([&] { Context::load(path, options); }, "progress cancels");
  options.on_progress = [](std::uint64_t, std::uint64_t) -> bool { throw std::logic_error("x"); };
  check_throws<std::logic_error>([&] { Context::load(path, options); },
                                 "an exception of on_progress comes back");
  check_throws<nemotron::Error>([&] { Context::load(path + ".not"); }, "no such file");

  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  options = {};
  options.flags = NEMO_LOAD_NO_WEIGHTS;
  const Context from_memory =
      Context::load_memory({{"model.gguf", std::as_bytes(std::span(bytes))}}, options);
  check(from_memory.model_info().n_tensors == context.model_info().n_tensors, "load_memory");
}

}  // namespace

std::vector<float> logits_after(const nemotron::Context& context) {
  std::vector<float> logits(context.model_info().n_vocab);
  nemotron::Session(context).eval(context.tokenize("Turn on the light"), logits);
  return logits;
}

// A host's memory and threads.
void check_host(const std::string& path, const nemotron::Context& plain) {
  static std::atomic<int> n_buffers{0};
  nemo_allocator allocator = NEMO_ALLOCATOR_INIT;
  allocator.allocate = [](std::size_t size, std::size_t alignment, void*) {
    ++n_buffers;
    return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  };
  allocator.release = [](void* memory, std::size_t, std::size_t, void*) {
    --n_buffers;
    std::free(memory);
  };
  std::atomic<int> n_calls{0};
  {
    nemotron::LoadOptions options;
    options.n_threads = 2;
    options.allocator = &allocator;
    options.parallel_for = [&n_calls](nemo_job job, void* arg, std::uint32_t n_jobs) {
      ++n_calls;
      for (std::uint32_t i = 0; i < n_jobs; ++i) job(arg, i);
    };
    const auto context = nemotron::Context::load(path, options);
    check(n_buffers > 0, "a host's allocator");
    check(logits_after(context) == logits_after(plain), "the same on a host's memory and threads");
    check(n_calls > 0, "a host's threads");
  }
  check(n_buffers == 0, "a host's memory is given back");
  nemotron::LoadOptions options;
  options.share_threads = plain.get();
  check(logits_after(nemotron::Context::load(path, options)) == logits_after(plain),
        "threads shared between contexts");
}

int main(int argc, char** argv) try {
  if (argc != 2) return 2;
  check(nemotron::version() == NEMO_VERSION_NUMBER, "version");
  check(nemotron::build_info().find("isa") != std::string::npos, "build_info");
  model_path = argv[1];
  check_loading(argv[1]);
  nemotron::Context context = nemotron::Context::load(argv[1]);
  check_text(context);
  check_session(context);
  check_requests(context);
  check_states(context);
  check_host(argv[1], context);
  return n_failures == 0 ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "FAILED: %s\n", error.what());
  return 1;
}
