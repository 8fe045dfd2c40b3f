#include "tokenizer/stream_decoder.h"

#include "base/text.h"
#include "tokenizer/utf8_repair.h"

namespace nemotron {

Status StreamDecoder::push(std::int32_t id, std::string& text) {
  if (!tokenizer_->is_valid(id))
    return Status(StatusCode::kInvalidToken, join("token ", id, " is not in the vocabulary of ",
                                                  tokenizer_->n_vocab(), " tokens"));
  if (tokenizer_->is_control(id)) {
    flush(text);
    if (skip_control_) return Status::ok();
  }
  held_back_ += tokenizer_->token_bytes(id);
  take_utf8(held_back_, /*is_last=*/false, text);
  return Status::ok();
}

void StreamDecoder::flush(std::string& text) { take_utf8(held_back_, /*is_last=*/true, text); }

}  // namespace nemotron
