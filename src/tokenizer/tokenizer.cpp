// Encoding and decoding; tokenizer_build.cpp makes the object.
#include "tokenizer/tokenizer.h"

#include <algorithm>

#include "base/text.h"
#include "bpe/llama3_split.h"

namespace nemotron {

namespace {

// Calls on_text(begin, end) and on_token(id) in the order of the text, for the added tokens that
// lie within `ranges`. Text without any is one call.
template <typename OnText, typename OnToken>
void split_at(const AddedTokens& added, std::string_view text, std::span<const TextRange> ranges,
              OnText on_text, OnToken on_token) {
  std::size_t text_begin = 0;
  for (std::size_t i = 0; !added.is_empty() && i < ranges.size(); ++i) {
    TextRange range = ranges[i];
    while (i + 1 < ranges.size() && ranges[i + 1].begin == range.end) range.end = ranges[++i].end;
    while (range.begin < range.end) {
      const AddedTokenMatch match = added.find_first(text, range.begin, range.end);
      if (match.n_bytes == 0) break;
      on_text(text_begin, match.position);
      on_token(match.id);
      range.begin = text_begin = match.position + match.n_bytes;
    }
  }
  on_text(text_begin, text.size());
}

// The parts of `ranges` within [begin, end), as places after `begin`.
std::vector<TextRange> clip(std::span<const TextRange> ranges, std::size_t begin, std::size_t end) {
  std::vector<TextRange> clipped;
  auto range = std::partition_point(ranges.begin(), ranges.end(),
                                    [&](const TextRange& r) { return r.end <= begin; });
  for (; range != ranges.end() && range->begin < end; ++range)
    clipped.push_back({std::max(range->begin, begin) - begin, std::min(range->end, end) - begin});
  return clipped;
}

Status check_input(std::string_view text, std::span<const TextRange> ranges) {
  if (text.size() > BpeModel::kMaxPieceBytes)
    return Status(StatusCode::kInvalidArgument,
                  join("a text of ", text.size(), " bytes is too long to tokenise at once"));
  std::size_t last_end = 0;
  for (const TextRange& range : ranges) {
    if (range.begin < last_end || range.end < range.begin || range.end > text.size())
      return Status(StatusCode::kInvalidArgument,
                    join("the range of special tokens [", range.begin, ", ", range.end,
                         ") is out of order or outside the text of ", text.size(), " bytes"));
    last_end = range.end;
  }
  return Status::ok();
}

}  // namespace

void Tokenizer::encode_run(std::string_view text, std::vector<std::int32_t>& ids,
                           BpeScratch& scratch) const {
  while (!text.empty()) {
    const std::size_t n_bytes = piece_length_(text);
    bpe_.encode_piece(text.substr(0, n_bytes), scratch, ids);
    text.remove_prefix(n_bytes);
  }
}

void Tokenizer::use_llama3_split() { piece_length_ = llama3_piece_length; }

Status Tokenizer::encode(std::string_view text, bool parse_special,
                         std::vector<std::int32_t>& ids) const {
  const TextRange everything{0, text.size()};
  return encode(text, std::span(&everything, parse_special ? 1 : 0), ids);
}

Status Tokenizer::encode(std::string_view text, std::span<const TextRange> special_ranges,
                         std::vector<std::int32_t>& ids) const {
  NEMO_TRY(check_input(text, special_ranges));
  BpeScratch scratch;
  const auto append_id = [&](std::int32_t id) { ids.push_back(id); };
  const auto encode_text = [&](std::size_t begin, std::size_t end) {
    const std::string_view part = text.substr(begin, end - begin);
    if (second_added_.is_empty()) return encode_run(part, ids, scratch);
    const auto encode_part = [&](std::size_t part_begin, std::size_t part_end) {
      encode_run(part.substr(part_begin, part_end - part_begin), ids, scratch);
    };
    split_at(second_added_, part, clip(special_ranges, begin, end), encode_part, append_id);
  };
  split_at(added_, text, special_ranges, encode_text, append_id);
  return Status::ok();
}

Status Tokenizer::decode(std::span<const std::int32_t> ids, bool skip_control,
                         std::string& text) const {
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (!is_valid(ids[i]))
      return Status(StatusCode::kInvalidToken,
                    join("token ", ids[i], " at index ", i, " is not in the vocabulary of ",
                         n_vocab(), " tokens"));
  for (const std::int32_t id : ids)
    if (!skip_control || !is_control_[id]) text += bpe_.tokens().bytes(id);
  return Status::ok();
}

std::string_view Tokenizer::token_bytes(std::int32_t id) const {
  return is_valid(id) ? bpe_.tokens().bytes(id) : std::string_view();
}

bool Tokenizer::is_control(std::int32_t id) const { return is_valid(id) && is_control_[id]; }

std::int32_t Tokenizer::token_id(std::string_view text) const {
  std::int32_t id = added_.find(text);
  if (id < 0) id = second_added_.find(text);
  return id >= 0 ? id : bpe_.tokens().find(text);
}

}  // namespace nemotron
