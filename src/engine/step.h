// One step of the model over rows of several sequences, from the plan to the logits. It may be
// suspended between any two slices; what it points to stays where it is until it is done.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/scheduler.h"
#include "model/activations.h"
#include "model/weights.h"

namespace nemotron {

// The model as steps run it.
struct Runner {
  Backend& backend;
  const ModelWeights& weights;
  const Activations& activations;
};

class Step {
 public:
  struct Entry {
    SequencePtr sequence;
    std::shared_ptr<Request> request;  // for which the rows run; it may have ended meanwhile
    StateRef input;                    // what the step reads of the sequence
    std::int64_t n_rows = 0;
    bool wants_snapshot = false;
    bool keeps_undo = false;
  };
  // Logits that wait to be delivered.
  struct LogitsRow {
    std::size_t entry = 0;
    std::int32_t row = 0;
    std::int64_t position = 0;  // of the sequence behind the row
    int choice = -1;            // its number for Backend::chosen_token(); -1: the logits are wanted
  };

  // Makes room, so that building a step does not allocate.
  void reserve(std::int64_t max_rows);

  bool is_active() const { return !entries_.empty(); }
  std::int64_t n_rows() const { return static_cast<std::int64_t>(tokens_.size()); }
  std::span<const Entry> entries() const { return entries_; }

  // Takes n_rows more of the sequence into the step; its state advances at once. As
  // LayerState::extend(), after which nothing has changed.
  // `keeps_undo` as there.
  Status add(const Runner& runner, StatePool& pool, const PlannedSpan& planned, bool keeps_undo);

  // Hands the layers to the backend.
  void start(const Runner& runner);
  // When the backend is done: hands it the next rows of the output head, if any are wanted.
  bool start_logits(const Runner& runner);
  // When the backend is done with those: the next row to deliver, or null.
  const LogitsRow* next_ready();
  // Where the logits of the row that next_ready() gave last lie on the device, [n_vocab].
  const float* ready_logits(const Runner& runner) const;

  void clear();

 private:
  void choose_tokens(const Runner& runner);
  void want_logits(const Sequence& sequence, const PlannedSpan& planned, std::int32_t first_row);

  std::vector<std::int32_t> tokens_;
  std::vector<Span> spans_;
  std::vector<SequenceState> states_;
  std::vector<Entry> entries_;
  std::vector<LogitsRow> wanted_;
  std::vector<std::int32_t> gathered_;  // rows of the part of the head under way
  std::vector<TokenChoice> choices_;    // among them
  std::size_t n_started_ = 0;           // of wanted_
  std::size_t n_delivered_ = 0;         // of wanted_
};

}  // namespace nemotron
