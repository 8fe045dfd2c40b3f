// A request that generates: has each next token sampled, turns tokens into text, looks for stop
// strings, tells thoughts, answer and tool calls apart where that is wanted, and tells the
// session's events.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "chat/reply_parser.h"
#include "engine/sequence.h"
#include "sampling/sampler.h"
#include "sampling/stop_matcher.h"
#include "session/event.h"
#include "session/event_queue.h"
#include "session/reply_trace.h"
#include "tokenizer/stream_decoder.h"
#include "tokenizer/tokenizer.h"

namespace nemotron {

// Receives events on the pumping thread instead of the queue. False ends the request.
using EventSink = std::function<bool(const Event&)>;

struct GenerateParams {
  std::int64_t max_tokens = 0;  // 0: no limit but the session's
  SamplingParams sampling;
  bool ignore_stop_tokens = false;
  StopMatcher stop_strings;
  bool parses_reply = false;
  CallerJson tools;  // with parses_reply: null, or as parse_tools() gives them
};

class Generation final : public Request {
 public:
  struct Outlet {
    std::uint64_t request_id = 0;
    EventQueue* queue = nullptr;  // unless there is a sink; outlives the request
    EventSink sink;
  };

  // `starts_in_thoughts`: where replies are parsed, whether the prompt has opened them.
  Generation(const Tokenizer& tokenizer, GenerateParams params, std::int64_t max_position,
             bool starts_in_thoughts, Outlet outlet);

  // Before it is submitted: what its events say of the prompt.
  void set_counts(std::int64_t n_prompt_tokens, std::int64_t n_reused_tokens);
  // Written until on_end returns.
  std::shared_ptr<const ReplyTrace> trace() const { return trace_; }

  Logits logits_wanted() const override { return Logits::kLast; }
  std::optional<TokenChoice> choice(std::int64_t position) const override;
  Next on_token(std::int64_t position, const SampledToken& sampled) override;
  Next tell() override;
  void on_end(Status status) override;
  bool has_room() const override { return outlet_.sink || outlet_.queue->has_room(); }

 private:
  using Clock = std::chrono::steady_clock;

  Next finish(FinishReason reason);
  bool is_stop(std::int32_t token) const;
  void deliver(std::int32_t token, std::string_view text);
  void deliver_piece(const ReplyPiece& piece);
  void deliver_held_back();
  bool is_text_undecided() const;
  void trace_tokens();
  void send_part(EventType type, std::string_view text, std::string_view name = {});
  void send(Event event);
  void send_end(Event event);

  const Tokenizer& tokenizer_;
  GenerateParams params_;
  const std::int64_t max_position_;
  Outlet outlet_;
  StreamDecoder decoder_;
  std::optional<ReplyParser> parser_;
  std::string text_;
  std::int32_t untold_ = -1;  // the token that tell() is for
  std::int32_t token_ = -1;   // for the next event of this token's
  bool has_sent_ = false;     // an event for this token
  GenerateResult result_;
  std::shared_ptr<ReplyTrace> trace_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point decode_start_ = start_;
  bool is_stopped_by_sink_ = false;
};

}  // namespace nemotron
