#include "session/generate.h"

#include <string>
#include <utility>

namespace nemotron {

Result<GenerateResult> generate(Session& session, const Tokenizer& tokenizer,
                                GenerateRequest& request) {
  NEMO_TRY(session.engine().check_may_wait());  // before anything is put on the session
  NEMO_ASSIGN(const std::uint64_t id, session.submit(tokenizer, request.prompt, request.is_whole,
                                                     std::move(request.params), EventSink{}));
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
        return event.result;
      case EventType::kError:
        return Status(event.code, std::string(event.text));
      case EventType::kNone:
        return Status(StatusCode::kInternal, "a request ended without saying so");
    }
  }
}

}  // namespace nemotron
