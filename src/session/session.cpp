#include "session/session.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "base/text.h"
#include "model/forward.h"

namespace nemotron {

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Engine> engine,
                                                 const Options& options) {
  NEMO_ASSIGN(LayerState state,
              LayerState::create(engine->backend(), engine->config(), options.kv_type));
  return std::unique_ptr<Session>(new Session(std::move(engine), options, std::move(state)));
}

Status Session::eval(std::span<const std::int32_t> tokens, std::span<float> logits) {
  NEMO_TRY(check(tokens, logits));
  const auto n_tokens = static_cast<std::int64_t>(tokens.size());
  tokens_.reserve(tokens_.size() + tokens.size());
  NEMO_TRY(state_.reserve(engine_->backend(), position() + n_tokens));

  const auto n_vocab = static_cast<std::size_t>(engine_->config().n_vocab);
  const bool every_row = logits.size() > n_vocab;
  const auto max_rows = static_cast<std::size_t>(engine_->activations().max_rows());
  std::vector<std::int32_t> rows(std::min(max_rows, tokens.size()));
  for (std::size_t first = 0; first < tokens.size(); first += max_rows) {
    const auto part = tokens.subspan(first, std::min(max_rows, tokens.size() - first));
    const bool is_last = first + part.size() == tokens.size();
    std::iota(rows.begin(), rows.end(), 0);
    std::span<const std::int32_t> logit_rows = std::span(rows).first(part.size());
    if (!every_row) logit_rows = logit_rows.last(is_last && !logits.empty() ? 1 : 0);
    const auto n_floats = logit_rows.size() * n_vocab;
    Status status = step(part, logit_rows, logits.first(n_floats));
    if (!status.is_ok()) {
      state_.trim(position());
      return status;
    }
    logits = logits.subspan(n_floats);
  }
  return Status::ok();
}

Status Session::check(std::span<const std::int32_t> tokens, std::span<float> logits) const {
  const auto n_vocab = static_cast<std::size_t>(engine_->config().n_vocab);
  if (tokens.empty()) return {StatusCode::kInvalidArgument, "no tokens to evaluate"};
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] < 0 || static_cast<std::size_t>(tokens[i]) >= n_vocab)
      return {StatusCode::kInvalidToken,
              join("token ", i, " is ", tokens[i], ", outside the vocabulary of ", n_vocab)};
  if (!logits.empty() && logits.size() != n_vocab && logits.size() != n_vocab * tokens.size())
    return {StatusCode::kInvalidArgument,
            join("room for ", logits.size(), " logits; the model makes ", n_vocab, " per token")};
  const auto room = static_cast<std::size_t>(options_.max_tokens - position());
  if (tokens.size() > room)
    return {StatusCode::kContextFull, join(tokens.size(), " more tokens on top of ", position(),
                                           " exceed the session's ", options_.max_tokens)};
  return Status::ok();
}

Status Session::step(std::span<const std::int32_t> tokens, std::span<const std::int32_t> logit_rows,
                     std::span<float> logits) {
  const std::lock_guard lock(engine_->step_mutex());
  if (is_cancelled()) return {StatusCode::kCancelled, "the request was cancelled"};
  const auto n_rows = static_cast<std::int32_t>(tokens.size());
  const std::array spans = {Span{0, 0, n_rows, position()}};
  const std::array states = {state_.view()};
  const StepBatch batch{n_rows, tokens, spans, states};
  Backend& backend = engine_->backend();
  forward(backend, engine_->weights(), engine_->activations(), batch);
  if (!logit_rows.empty())
    NEMO_TRY(output_head(backend, engine_->weights(), engine_->activations(), n_rows, logit_rows,
                         logits));
  NEMO_TRY(backend.synchronize());
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  position_.store(static_cast<std::int64_t>(tokens_.size()), std::memory_order_release);
  return Status::ok();
}

void Session::reset() {
  const std::lock_guard lock(engine_->step_mutex());
  state_.reset(engine_->backend());
  tokens_.clear();
  position_.store(0, std::memory_order_release);
}

}  // namespace nemotron
