#include "engine/step.h"

#include <algorithm>
#include <utility>

#include "model/forward.h"

namespace nemotron {

Status Step::add(const Runner& runner, StatePool& pool, const PlannedSpan& planned,
                 bool keeps_undo) {
  Sequence& sequence = *planned.sequence;
  const std::int64_t position = sequence.state.position();
  const std::int64_t snapshot = next_snapshot_position(sequence);
  NEMO_ASSIGN(LayerState::Extension extension,
              sequence.state.extend(runner.backend, pool, planned.n_rows, keeps_undo));
  const auto first_row = static_cast<std::int32_t>(tokens_.size());
  spans_.push_back({static_cast<std::int32_t>(states_.size()), first_row,
                    static_cast<std::int32_t>(planned.n_rows), position});
  states_.push_back(extension.view);
  const auto begin = sequence.tokens.begin() + position;
  tokens_.insert(tokens_.end(), begin, begin + planned.n_rows);
  entries_.push_back({planned.sequence, sequence.request, std::move(extension.input),
                      planned.n_rows, snapshot == sequence.state.position(), keeps_undo});
  want_logits(sequence, planned, first_row);
  return Status::ok();
}

void Step::want_logits(const Sequence& sequence, const PlannedSpan& planned,
                       std::int32_t first_row) {
  const Request::Logits wanted = sequence.request->logits_wanted();
  if (wanted == Request::Logits::kNone) return;
  const std::int64_t first = sequence.state.position() - planned.n_rows;
  for (std::int64_t i = 0; i < planned.n_rows; ++i) {
    const std::int64_t end = first + i + 1;  // position behind this row
    const bool is_last = end == sequence.n_tokens();
    const bool is_new = end > sequence.n_before_request;
    if (is_last || (wanted == Request::Logits::kAll && is_new))
      wanted_.push_back({entries_.size() - 1, first_row + static_cast<std::int32_t>(i), end, -1});
  }
}

void Step::start(const Runner& runner) {
  forward(runner.backend, runner.weights, runner.activations, {n_rows(), tokens_, spans_, states_});
}

bool Step::start_logits(const Runner& runner) {
  const std::size_t n =
      std::min(static_cast<std::size_t>(kMaxLogitRows), wanted_.size() - n_started_);
  if (n == 0) return false;
  gathered_.clear();
  for (std::size_t i = 0; i < n; ++i) gathered_.push_back(wanted_[n_started_ + i].row);
  n_started_ += n;
  output_head(runner.backend, runner.weights, runner.activations, n_rows(), gathered_);
  choose_tokens(runner);
  return true;
}

void Step::choose_tokens(const Runner& runner) {
  const TensorView logits = runner.activations.logits(static_cast<std::int64_t>(gathered_.size()));
  choices_.clear();
  for (std::int64_t i = 0; i < logits.n_rows; ++i) {
    LogitsRow& row = wanted_[n_started_ - gathered_.size() + static_cast<std::size_t>(i)];
    std::optional<TokenChoice> choice = entries_[row.entry].request->choice(row.position);
    if (!choice.has_value()) continue;
    choice->row = i;
    choice->n_logits = std::min(choice->n_logits, logits.n_columns);
    row.choice = static_cast<int>(choices_.size());
    choices_.push_back(*choice);
  }
  runner.backend.choose_tokens(logits, choices_);
}

const Step::LogitsRow* Step::next_ready() {
  return n_delivered_ < n_started_ ? &wanted_[n_delivered_++] : nullptr;
}

const float* Step::ready_logits(const Runner& runner) const {
  const TensorView logits = runner.activations.logits(static_cast<std::int64_t>(gathered_.size()));
  const std::size_t first = n_started_ - gathered_.size();
  return logits.data + static_cast<std::int64_t>(n_delivered_ - 1 - first) * logits.stride;
}

void Step::reserve(std::int64_t max_rows) {
  const auto n = static_cast<std::size_t>(max_rows);
  tokens_.reserve(n);
  spans_.reserve(n);
  states_.reserve(n);
  entries_.reserve(n);
  wanted_.reserve(n);
  gathered_.reserve(static_cast<std::size_t>(kMaxLogitRows));
  static_assert(kMaxLogitRows <= std::int64_t{kMaxTokenChoices});
  choices_.reserve(static_cast<std::size_t>(kMaxLogitRows));
}

void Step::clear() {
  tokens_.clear();
  spans_.clear();
  states_.clear();
  entries_.clear();
  wanted_.clear();
  n_started_ = 0;
  n_delivered_ = 0;
}

}  // namespace nemotron
