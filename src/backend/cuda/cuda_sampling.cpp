// Tokens chosen on the device, which writes them into the host's memory, eight bytes for each row
// of logits: who has waited for the step has them.
#include <cstring>

#include "backend/cuda/cuda_backend.h"
#include "sampling/random.h"

namespace nemotron {

using kernels::cuda::SampleRow;

namespace {

SampleRow row_of(const TokenChoice& choice) {
  const SamplingParams params = literal_params(choice.params);
  SampleRow row;
  row.random = random_bits(params.seed, choice.position);
  row.row = choice.row;
  row.n_logits = choice.n_logits;
  row.temperature = params.temperature;
  row.top_p = params.top_p;
  row.top_k = params.top_k;
  return row;
}

}  // namespace

void CudaBackend::choose_tokens(TensorView logits, std::span<const TokenChoice> choices) {
  is_chosen_there_ = false;
  if (choices.empty()) return;
  queue_->begin();
  const CommandQueue::Input input = queue_->add_input(choices.size() * sizeof(SampleRow));
  if (input.host == nullptr) return;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const SampleRow row = row_of(choices[i]);
    std::memcpy(input.host + i * sizeof row, &row, sizeof row);
  }
  queue_->record(kernels::cuda::launch_sample(
      {logits.data, logits.stride, reinterpret_cast<const SampleRow*>(input.device),
       reinterpret_cast<SampledToken*>(chosen_.data())},
      static_cast<std::int64_t>(choices.size())));
}

Result<SampledToken> CudaBackend::chosen_token(std::size_t i) {
  if (!is_chosen_there_) NEMO_TRY(synchronize());
  is_chosen_there_ = true;
  SampledToken token;
  std::memcpy(&token, chosen_.data() + i * sizeof token, sizeof token);
  return token;
}

}  // namespace nemotron
