// A request that generates: samples each next token, turns tokens into text, looks for stop
// strings, and tells the session's events.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "engine/sequence.h"
#include "sampling/sampler.h"
#include "sampling/stop_matcher.h"
#include "session/event.h"
#include "session/event_queue.h"
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
};

class Generation final : public Request {
 public:
  struct Outlet {
    std::uint64_t request_id = 0;
    EventQueue* queue = nullptr;  // unless there is a sink; outlives the request
    EventSink sink;
  };

  Generation(const Tokenizer& tokenizer, GenerateParams params, std::int64_t max_position,
             GenerateResult counts, Outlet outlet);

  Logits logits_wanted() const override { return Logits::kLast; }
  Next on_logits(std::int64_t position, std::span<const float> logits) override;
  void on_end(const Status& status) override;
  bool has_room() const override { return outlet_.sink || outlet_.queue->has_room(); }

 private:
  using Clock = std::chrono::steady_clock;

  Next finish(FinishReason reason);
  bool is_stop(std::int32_t token) const;
  void deliver_held_back();
  void send(std::int32_t token, std::string_view text);
  void send(const Event& event);

  const Tokenizer& tokenizer_;
  GenerateParams params_;
  const std::int64_t max_position_;
  Outlet outlet_;
  StreamDecoder decoder_;
  SamplerScratch scratch_;
  std::string text_;
  GenerateResult result_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point decode_start_ = start_;
  bool is_stopped_by_sink_ = false;
};

}  // namespace nemotron
