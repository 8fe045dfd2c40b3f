#include "scenario.h"

#include "memory.h"

#include <algorithm>
#include <cstring>

namespace fault {

namespace {

constexpr std::array<std::int32_t, 150> make_prompt() {
  std::array<std::int32_t, 150> tokens{};
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = static_cast<std::int32_t>(20 + (i * 37) % 280);
  tokens[0] = 10;  // begins a turn
  tokens[40] = 10;
  return tokens;
}
constexpr auto kPrompt = make_prompt();

// Calls until it succeeds: at most once more, since failing stops with the first call that does.
template <typename Call>
bool insist(const char* where, Report& report, const Call& call) {
  for (int i = 0; i < 3; ++i) {
    const nemo_status status = call();
    if (status == NEMO_OK) return true;
    stop_failing();
    if (status != NEMO_E_OUT_OF_MEMORY) {
      report.wrong = status;
      report.where = where;
      return false;
    }
    ++report.n_failures;
  }
  report.wrong = NEMO_E_OUT_OF_MEMORY;
  report.where = where;
  return false;
}

std::int32_t take_text(const nemo_generate_event* event, void* user) {
  static_cast<Text*>(user)->append(event->text, event->text_size);
  return 0;
}

struct Sessions {
  nemo_session* first = nullptr;
  nemo_session* second = nullptr;
  ~Sessions() {
    nemo_session_free(first);
    nemo_session_free(second);
  }
};

bool eval(nemo_session* session, std::size_t first, std::size_t n,
          std::array<float, kVocab>* logits, const char* where, Report& report) {
  return insist(where, report, [&] {
    return nemo_session_eval(session, kPrompt.data() + first, n,
                             logits == nullptr ? nullptr : logits->data(),
                             logits == nullptr ? 0 : kVocab, nullptr);
  });
}

// To memory and back, in place of the second session.
bool save_and_restore(nemo_context* context, Sessions& sessions, Report& report) {
  static std::array<std::byte, std::size_t{1} << 20> saved;
  std::size_t size = 0;
  if (!insist("save", report, [&] {
        return nemo_session_save_memory(sessions.second, nullptr, saved.data(), saved.size(), &size,
                                        nullptr);
      }))
    return false;
  nemo_session* restored = nullptr;
  if (!insist("restore", report, [&] {
        return nemo_session_restore_memory(context, saved.data(), size, nullptr, &restored,
                                           nullptr);
      }))
    return false;
  nemo_session_free(sessions.second);
  sessions.second = restored;
  return eval(restored, 90, 4, &report.outcome.restored, "eval of a restored one", report);
}

// The blocking form, sampled, with stop strings.
bool generate(nemo_session* session, Report& report) {
  const nemo_text stop[] = {{"\xff never", 7}};
  nemo_generate_options options = NEMO_GENERATE_OPTIONS_INIT;
  options.max_tokens = 6;
  options.ignore_stop_tokens = 1;
  options.seed = 7;
  options.flags = NEMO_GENERATE_WHOLE_PROMPT;
  options.stop_strings = stop;
  options.n_stop_strings = 1;
  options.on_event = take_text;
  options.user = &report.outcome.generated;
  return insist("generate", report, [&] {
    report.outcome.generated = {};
    return nemo_session_generate(session, kPrompt.data(), kPrompt.size(), &options, nullptr,
                                 nullptr);
  });
}

// One request until its end, by events. NEMO_E_OUT_OF_MEMORY of the end comes as the status.
nemo_status pump_request(nemo_context* context, nemo_session* session, Use use, Report& report) {
  nemo_generate_options options = NEMO_GENERATE_OPTIONS_INIT;
  options.max_tokens = 6;
  options.ignore_stop_tokens = 1;
  options.sampling_mode = NEMO_SAMPLING_GREEDY;
  options.flags = NEMO_GENERATE_WHOLE_PROMPT;
  nemo_request request = NEMO_REQUEST_INIT;
  request.prompt = kPrompt.data();
  request.n_prompt = kPrompt.size() - 30;
  request.options = &options;
  report.outcome.polled = {};
  const nemo_status submitted = nemo_session_submit(session, &request, nullptr, nullptr);
  if (submitted != NEMO_OK) return submitted;
  for (;;) {
    nemo_event event = NEMO_EVENT_INIT;
    nemo_status status = NEMO_OK;
    if (use != Use::kWorker) {
      status = nemo_context_pump(context, 1, nullptr, nullptr);
      if (status == NEMO_OK) status = nemo_session_poll(session, &event, nullptr);
    } else {
      status = nemo_session_wait(session, UINT64_MAX, &event, nullptr);
      if (status == NEMO_OK && event.type == NEMO_EVENT_NONE) return NEMO_E_INTERNAL;
    }
    if (status == NEMO_E_OUT_OF_MEMORY) {  // and goes on
      ++report.n_failures;
      stop_failing();
    }
    if (status != NEMO_OK && status != NEMO_E_OUT_OF_MEMORY) return status;
    if (event.type == NEMO_EVENT_TEXT) report.outcome.polled.append(event.text, event.text_size);
    if (event.type == NEMO_EVENT_FINISH) return NEMO_OK;
    if (event.type == NEMO_EVENT_ERROR) return event.status;
  }
}

bool branch_and_return(nemo_context* context, Sessions& sessions, Report& report) {
  nemo_session* const session = sessions.first;
  if (!insist("keep", report, [&] { return nemo_session_keep(session, nullptr); })) return false;
  if (!insist("fork", report,
              [&] { return nemo_session_fork(session, &sessions.second, nullptr); }))
    return false;
  if (!eval(sessions.second, 100, 3, &report.outcome.forked, "eval of a fork", report))
    return false;
  if (!eval(session, 70, 20, nullptr, "eval again", report)) return false;
  if (!insist("rewind", report, [&] { return nemo_session_rewind(session, 68, nullptr); }))
    return false;
  if (!eval(session, 68, 9, &report.outcome.rewound, "eval behind a rewind", report)) return false;
  nemo_context_stats stats = NEMO_CONTEXT_STATS_INIT;
  return insist("stats", report, [&] { return nemo_context_get_stats(context, &stats, nullptr); });
}

}  // namespace

void Text::append(const char* text, std::uint64_t n) {
  const std::size_t n_taken = std::min<std::size_t>(n, bytes.size() - size);
  std::memcpy(bytes.data() + size, text, n_taken);
  size += n_taken;
}

nemo_context* load(const char* path, Use use, Report& report) {
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = 1;
  options.isa = NEMO_ISA_REF;
  options.max_step_rows = 32;
  options.worker = use == Use::kWorker ? 1 : 0;
  options.flags = use == Use::kMapped ? NEMO_LOAD_MAPPED : 0;
  options.allocator = &host_allocator();
  nemo_context* context = nullptr;
  const nemo_status status = nemo_context_load(path, &options, &context, nullptr);
  if (status == NEMO_E_OUT_OF_MEMORY) ++report.n_failures;
  if (status != NEMO_OK && status != NEMO_E_OUT_OF_MEMORY) {
    report.wrong = status;
    report.where = "load";
  }
  return context;
}

void converse(nemo_context* context, Use use, Report& report) {
  Sessions sessions;
  nemo_session_options options = NEMO_SESSION_OPTIONS_INIT;
  options.max_tokens = 300;
  options.kv_type = NEMO_KV_F32;
  options.snapshot_every = 50;
  if (!insist("create", report,
              [&] { return nemo_session_create(context, &options, &sessions.first, nullptr); }))
    return;
  nemo_session* const session = sessions.first;
  // Across KV blocks of 64, then token by token.
  if (!eval(session, 0, 65, nullptr, "prefill", report)) return;
  for (std::size_t i = 65; i < 70; ++i)
    if (!eval(session, i, 1, &report.outcome.prefilled, "decode", report)) return;
  if (!branch_and_return(context, sessions, report)) return;
  if (!save_and_restore(context, sessions, report)) return;
  if (!generate(session, report)) return;
  if (!insist("request", report, [&] { return pump_request(context, session, use, report); }))
    return;
  if (!insist("adopt", report,
              [&] { return nemo_session_adopt(session, sessions.second, nullptr); }))
    return;
  if (!insist("reset", report, [&] { return nemo_session_reset(session, nullptr); })) return;
  if (!eval(session, 0, 2, nullptr, "eval after a reset", report)) return;
  report.outcome.position = nemo_session_position(session);
}

}  // namespace fault
