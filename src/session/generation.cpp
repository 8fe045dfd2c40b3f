#include "session/generation.h"

#include <algorithm>
#include <new>
#include <utility>

namespace nemotron {

namespace {

std::int64_t microseconds(std::chrono::steady_clock::duration d) {
  return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
}

// Of one token: room for it is made before it is needed.
constexpr std::size_t kUsualTextBytes = 256;

}  // namespace

Generation::Generation(const Tokenizer& tokenizer, GenerateParams params, std::int64_t max_position,
                       bool starts_in_thoughts, Outlet outlet)
    : tokenizer_(tokenizer),
      params_(std::move(params)),
      max_position_(max_position),
      outlet_(std::move(outlet)),
      decoder_(tokenizer, /*skip_control=*/!params_.ignore_stop_tokens),
      trace_(std::make_shared<ReplyTrace>()) {
  constexpr std::int64_t kFewTokens = 4096;
  const std::int64_t limit = params_.max_tokens == 0 ? max_position_ : params_.max_tokens;
  trace_->ends.reserve(static_cast<std::size_t>(std::min(limit, kFewTokens)));
  if (params_.parses_reply)
    parser_.emplace(starts_in_thoughts, [this](const ReplyPiece& piece) { deliver_piece(piece); });
  text_.reserve(kUsualTextBytes);
  decoder_.reserve(kUsualTextBytes);
  params_.stop_strings.reserve(kUsualTextBytes);
  if (outlet_.queue != nullptr) outlet_.queue->reserve_end();
}

void Generation::set_counts(std::int64_t n_prompt_tokens, std::int64_t n_reused_tokens) {
  result_.n_prompt_tokens = n_prompt_tokens;
  result_.n_reused_tokens = n_reused_tokens;
}

std::optional<TokenChoice> Generation::choice(std::int64_t position) const {
  TokenChoice choice;
  choice.n_logits = tokenizer_.n_vocab();  // ids beyond are padding of the output matrix
  choice.params = params_.sampling;
  choice.position = static_cast<std::uint64_t>(position);
  return choice;
}

Request::Next Generation::on_token(std::int64_t position, const SampledToken& sampled) {
  if (result_.n_generated_tokens == 0) {
    decode_start_ = Clock::now();
    result_.prefill_us = microseconds(decode_start_ - start_);
    trace_->first_position = position;
  }
  const Result<std::int32_t> sampled_token = token_of(sampled);
  if (!sampled_token.is_ok()) return {true, -1, sampled_token.status()};
  const std::int32_t token = sampled_token.value();
  ++result_.n_generated_tokens;
  if (!params_.ignore_stop_tokens && is_stop(token)) return finish(FinishReason::kStop);
  untold_ = token;
  const bool is_last =
      result_.n_generated_tokens == params_.max_tokens || position == max_position_;
  if (!is_last) return {false, token, {}, /*wants_tell=*/true};
  const Next next = tell();
  return next.is_finished ? next : finish(FinishReason::kLength);
}

Request::Next Generation::tell() {
  text_.clear();
  if (Status status = decoder_.push(untold_, text_); !status.is_ok()) return {true, -1, status};
  const StopMatcher::Output output = params_.stop_strings.feed(text_);
  deliver(untold_, output.text);
  if (!is_text_undecided()) trace_tokens();
  if (is_stopped_by_sink_) return finish(FinishReason::kCancelled);
  if (output.is_stopped) return finish(FinishReason::kStop);
  return {};
}

Request::Next Generation::finish(FinishReason reason) {
  result_.finish_reason = reason;
  return {true, -1, {}};
}

bool Generation::is_stop(std::int32_t token) const {
  const auto ids = tokenizer_.stop_ids();
  return std::binary_search(ids.begin(), ids.end(), token);
}

void Generation::on_end(Status status) {
  if (status.code() == StatusCode::kCancelled) result_.finish_reason = FinishReason::kCancelled;
  try {
    if (status.code() == StatusCode::kCancelled || status.is_ok()) deliver_held_back();
    trace_tokens();
  } catch (const std::bad_alloc&) {  // the text has a hole
    if (status.is_ok()) status = {StatusCode::kOutOfMemory, "out of memory"};
  }
  const bool is_cancelled = status.code() == StatusCode::kCancelled;
  const bool is_error = !status.is_ok() && !is_cancelled;
  const auto now = Clock::now();
  if (result_.n_generated_tokens == 0) {
    result_.prefill_us = microseconds(now - start_);
  } else {
    result_.decode_us = microseconds(now - decode_start_);
  }
  Event event;
  event.type = is_error ? EventType::kError : EventType::kFinish;
  event.code = is_error ? status.code() : StatusCode::kOk;
  event.text = is_error ? std::string_view(status.message()) : std::string_view();
  event.result = result_;
  send_end(event);
}

void Generation::deliver(std::int32_t token, std::string_view text) {
  token_ = token;
  has_sent_ = false;
  if (!parser_) return send_part(EventType::kText, text);
  parser_->feed(text);
  if (has_sent_) return;
  // Each token is told, with whatever part it belongs to.
  send_part(parser_->part() == ReplyPart::kReasoning ? EventType::kReasoning : EventType::kText,
            {});
}

void Generation::deliver_piece(const ReplyPiece& piece) {
  switch (piece.part) {
    case ReplyPart::kReasoning:
      return send_part(EventType::kReasoning, piece.text);
    case ReplyPart::kAnswer:
      return send_part(EventType::kText, piece.text);
    case ReplyPart::kToolCall:
      send_part(EventType::kToolCall, arguments_json(*piece.call, params_.tools), piece.call->name);
  }
}

void Generation::deliver_held_back() {
  if (is_stopped_by_sink_) return;
  text_.clear();
  decoder_.flush(text_);
  std::string rest(params_.stop_strings.feed(text_).text);
  rest += params_.stop_strings.finish();
  token_ = -1;
  if (!parser_) {
    if (!rest.empty()) send_part(EventType::kText, rest);
    return;
  }
  parser_->feed(rest);
  parser_->finish(/*is_whole=*/result_.finish_reason == FinishReason::kStop);
}

bool Generation::is_text_undecided() const {
  return !decoder_.held_back().empty() || params_.stop_strings.is_holding() ||
         (parser_ && parser_->is_undecided());
}

// The tokens that were not traced yet end here.
void Generation::trace_tokens() {
  const std::uint64_t end = trace_->n_delivered + (parser_ ? parser_->n_held_spaces() : 0);
  while (static_cast<std::int64_t>(trace_->ends.size()) < result_.n_generated_tokens)
    trace_->ends.push_back(end);
}

void Generation::send_part(EventType type, std::string_view text, std::string_view name) {
  if (is_stopped_by_sink_) return;
  Event event;
  event.type = type;
  event.token = std::exchange(token_, -1);
  event.text = text;
  event.name = name;
  has_sent_ = true;
  if (type == EventType::kText) trace_->n_delivered += text.size();
  send(event);
}

void Generation::send(Event event) {
  event.request_id = outlet_.request_id;
  if (!outlet_.sink) {
    outlet_.queue->push(event);
  } else if (!outlet_.sink(event)) {
    is_stopped_by_sink_ = true;
  }
}

void Generation::send_end(Event event) {
  event.request_id = outlet_.request_id;
  if (outlet_.sink) {
    (void)outlet_.sink(event);
  } else {
    outlet_.queue->push_end(event);
  }
}

}  // namespace nemotron
