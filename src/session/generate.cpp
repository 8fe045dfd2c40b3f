#include "session/generate.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "tokenizer/stream_decoder.h"

namespace nemotron {

namespace {

using Clock = std::chrono::steady_clock;

std::int64_t microseconds_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
}

class Generation {
 public:
  Generation(Session& session, const Tokenizer& tokenizer, GenerateRequest& request)
      : session_(session),
        tokenizer_(tokenizer),
        request_(request),
        decoder_(tokenizer, /*skip_control=*/!request.ignore_stop_tokens),
        logits_(static_cast<std::size_t>(session.engine().config().n_vocab)) {}

  Result<GenerateResult> run() {
    NEMO_TRY(check_sampling_params(request_.sampling));
    const auto start = Clock::now();
    NEMO_TRY(extend(request_.prompt));
    result_.prefill_us = microseconds_since(start);
    const auto decode_start = Clock::now();
    while (!is_finished_) NEMO_TRY(next_token());
    deliver_held_back();
    result_.decode_us = microseconds_since(decode_start);
    return result_;
  }

 private:
  // Evaluates tokens for the logits after them.
  Status extend(std::span<const std::int32_t> tokens) {
    const std::int64_t before = session_.position();
    Status status = session_.eval(tokens, logits_);
    if (result_.n_generated_tokens == 0) result_.n_prompt_tokens = session_.position() - before;
    if (status.code() != StatusCode::kCancelled) return status;
    finish(FinishReason::kCancelled);
    return Status::ok();
  }

  Status next_token() {
    // Ids beyond the tokenizer's are padding of the output matrix.
    const auto n_known = static_cast<std::size_t>(tokenizer_.n_vocab());
    const auto known = std::span(logits_).first(std::min(n_known, logits_.size()));
    const auto position = static_cast<std::uint64_t>(session_.position());
    NEMO_ASSIGN(const std::int32_t token, sample(known, request_.sampling, position, scratch_));
    ++result_.n_generated_tokens;
    if (!request_.ignore_stop_tokens && is_stop(token)) {
      finish(FinishReason::kStop);
      return Status::ok();
    }
    NEMO_TRY(deliver(token));
    if (is_finished_) return Status::ok();
    if (is_at_limit()) {
      finish(FinishReason::kLength);
      return Status::ok();
    }
    return extend({&token, 1});
  }

  bool is_stop(std::int32_t token) const {
    const auto ids = tokenizer_.stop_ids();
    return std::binary_search(ids.begin(), ids.end(), token);
  }

  bool is_at_limit() const {
    return result_.n_generated_tokens == request_.max_tokens ||
           session_.position() == session_.max_tokens();
  }

  Status deliver(std::int32_t token) {
    text_.clear();
    NEMO_TRY(decoder_.push(token, text_));
    const StopMatcher::Output output = request_.stop_strings.feed(text_);
    send(token, output.text);
    if (output.is_stopped) finish(FinishReason::kStop);
    return Status::ok();
  }

  void deliver_held_back() {
    if (!sink_listens_) return;
    text_.clear();
    decoder_.flush(text_);
    std::string rest(request_.stop_strings.feed(text_).text);
    rest += request_.stop_strings.finish();
    if (!rest.empty()) send(-1, rest);
  }

  void send(std::int32_t token, std::string_view text) {
    if (!request_.sink || request_.sink(token, text)) return;
    sink_listens_ = false;
    finish(FinishReason::kCancelled);
  }

  void finish(FinishReason reason) {
    if (is_finished_) return;
    is_finished_ = true;
    result_.finish_reason = reason;
  }

  Session& session_;
  const Tokenizer& tokenizer_;
  GenerateRequest& request_;
  StreamDecoder decoder_;
  SamplerScratch scratch_;
  std::vector<float> logits_;  // [n_vocab], after the session's last token
  std::string text_;
  GenerateResult result_;
  bool is_finished_ = false;
  bool sink_listens_ = true;
};

}  // namespace

Result<GenerateResult> generate(Session& session, const Tokenizer& tokenizer,
                                GenerateRequest& request) {
  return Generation(session, tokenizer, request).run();
}

}  // namespace nemotron
