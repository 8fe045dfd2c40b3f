#include "session/generate.h"

#include <string>
#include <utility>

namespace nemotron {

namespace {

class Unfinished {
 public:
  explicit Unfinished(Session& session) : session_(&session) {}
  ~Unfinished() {
    if (session_ != nullptr) session_->abandon();
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  void finish() { session_ = nullptr; }

 private:
  Session* session_;
};

}  // namespace

Result<GenerateResult> generate(Session& session, const Tokenizer& tokenizer,
                                GenerateRequest& request) {
  NEMO_TRY(session.engine().check_may_wait());  // before anything is put on the session
  NEMO_ASSIGN(const std::uint64_t id, session.submit(tokenizer, request.prompt, request.is_whole,
                                                     std::move(request.params), EventSink{}));
  // Whatever goes wrong from here on, no request stays behind.
  Unfinished unfinished(session);
  bool sink_listens = static_cast<bool>(request.sink);
  for (;;) {
    Event event;
    NEMO_TRY(session.wait(event));
    switch (event.type) {
      case EventType::kText:
      case EventType::kReasoning:
      case EventType::kToolCall:
        if (sink_listens && !request.sink(event)) {
          sink_listens = false;
          session.cancel(id);
        }
        break;
      case EventType::kFinish:
        unfinished.finish();
        return event.result;
      case EventType::kError:
        unfinished.finish();
        return Status(event.code, std::string(event.text));
      case EventType::kNone:
        return Status(StatusCode::kInternal, "a request ended without saying so");
    }
  }
}

}  // namespace nemotron
