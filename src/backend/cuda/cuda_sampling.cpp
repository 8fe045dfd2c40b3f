// Tokens chosen on the device: of each row of logits eight bytes come back.
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
  n_chosen_ = choices.size();
  is_chosen_read_ = false;
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
       static_cast<SampledToken*>(chosen_on_device_.data())},
      static_cast<std::int64_t>(choices.size())));
}

Result<SampledToken> CudaBackend::chosen_token(std::size_t i) {
  if (!is_chosen_read_) {
    NEMO_TRY(synchronize());
    NEMO_TRY(transfer_->to_host(chosen_on_device_.data(),
                                std::as_writable_bytes(std::span(chosen_).first(n_chosen_))));
    is_chosen_read_ = true;
  }
  return chosen_[i];
}

}  // namespace nemotron
