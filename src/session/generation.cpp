#include "session/generation.h"

#include <algorithm>
#include <utility>

namespace nemotron {

namespace {

std::int64_t microseconds(std::chrono::steady_clock::duration d) {
  return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
}

}  // namespace

Generation::Generation(const Tokenizer& tokenizer, GenerateParams params, std::int64_t max_position,
                       GenerateResult counts, Outlet outlet)
    : tokenizer_(tokenizer),
      params_(std::move(params)),
      max_position_(max_position),
      outlet_(std::move(outlet)),
      decoder_(tokenizer, /*skip_control=*/!params_.ignore_stop_tokens),
      result_(counts) {}

Request::Next Generation::on_logits(std::int64_t position, std::span<const float> logits) {
  if (result_.n_generated_tokens == 0) {
    decode_start_ = Clock::now();
    result_.prefill_us = microseconds(decode_start_ - start_);
  }
  // Ids beyond the tokenizer's are padding of the output matrix.
  const auto n_known = static_cast<std::size_t>(tokenizer_.n_vocab());
  const auto known = logits.first(std::min(n_known, logits.size()));
  auto sampled = sample(known, params_.sampling, static_cast<std::uint64_t>(position), scratch_);
  if (!sampled.is_ok()) return {true, -1, sampled.status()};
  const std::int32_t token = sampled.value();
  ++result_.n_generated_tokens;
  if (!params_.ignore_stop_tokens && is_stop(token)) return finish(FinishReason::kStop);
  text_.clear();
  if (Status status = decoder_.push(token, text_); !status.is_ok()) return {true, -1, status};
  const StopMatcher::Output output = params_.stop_strings.feed(text_);
  send(token, output.text);
  if (is_stopped_by_sink_) return finish(FinishReason::kCancelled);
  if (output.is_stopped) return finish(FinishReason::kStop);
  if (result_.n_generated_tokens == params_.max_tokens || position == max_position_)
    return finish(FinishReason::kLength);
  return {false, token, {}};
}

Request::Next Generation::finish(FinishReason reason) {
  result_.finish_reason = reason;
  return {true, -1, {}};
}

bool Generation::is_stop(std::int32_t token) const {
  const auto ids = tokenizer_.stop_ids();
  return std::binary_search(ids.begin(), ids.end(), token);
}

void Generation::on_end(const Status& status) {
  const bool is_cancelled = status.code() == StatusCode::kCancelled;
  const bool is_error = !status.is_ok() && !is_cancelled;
  if (is_cancelled) result_.finish_reason = FinishReason::kCancelled;
  const auto now = Clock::now();
  if (result_.n_generated_tokens == 0) {
    result_.prefill_us = microseconds(now - start_);
  } else {
    result_.decode_us = microseconds(now - decode_start_);
  }
  if (!is_error) deliver_held_back();
  Event event;
  event.type = is_error ? EventType::kError : EventType::kFinish;
  event.code = is_error ? status.code() : StatusCode::kOk;
  event.text = is_error ? std::string_view(status.message()) : std::string_view();
  event.result = result_;
  send(event);
}

void Generation::deliver_held_back() {
  if (is_stopped_by_sink_) return;
  text_.clear();
  decoder_.flush(text_);
  std::string rest(params_.stop_strings.feed(text_).text);
  rest += params_.stop_strings.finish();
  if (!rest.empty()) send(-1, rest);
}

void Generation::send(std::int32_t token, std::string_view text) {
  Event event;
  event.type = EventType::kText;
  event.token = token;
  event.text = text;
  send(event);
}

void Generation::send(const Event& event) {
  Event out = event;
  out.request_id = outlet_.request_id;
  if (!outlet_.sink) {
    outlet_.queue->push(out);
  } else if (!outlet_.sink(out)) {
    is_stopped_by_sink_ = true;
  }
}

}  // namespace nemotron
