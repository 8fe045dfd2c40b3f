// The file of a saved session. All numbers are little-endian; nothing depends on the instruction
// set level, the backend or the size of KV blocks.
//
//   header    48 bytes: magic, format version, library version, fingerprint of the model, length of
//             the file, number of sections, XXH3 of header and table
//   table     32 bytes per section: kind, index, offset, length, XXH3
//   sections  one behind the other, in the order of the table, without gaps
//
// What a session consists of decides which sections there are: a file with others is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/layer_state.h"
#include "io/data_source.h"
#include "model/config.h"
#include "session/session.h"

namespace nemotron {

inline constexpr std::uint32_t kSavedFormatVersion = 1;
inline constexpr std::size_t kMaxSavedSnapshots = 64;

enum class SectionKind : std::uint32_t {
  kOptions = 1,
  kTokens = 2,  // [n_tokens] int32
  // By state: 0 is the session's own, the others its snapshots.
  kConvolution = 3,  // [n_mamba2_layers, d_conv - 1, conv_dim] f32
  kSsm = 4,          // [n_mamba2_layers, n_ssm_heads, d_state, ssm_head_dim]
  // By attention layer: [position, n_kv_heads, head_dim]; snapshots share their beginnings.
  kKeys = 5,
  kValues = 6,
};

struct Section {
  SectionKind kind{};
  std::uint32_t index = 0;
  std::uint64_t offset_bytes = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t checksum = 0;
};

struct SavedHeader {
  std::uint32_t library_version = 0;
  std::uint64_t fingerprint = 0;
  std::vector<Section> sections;

  std::uint64_t file_bytes() const;
};

// How the channels of a key head follow one another: as in the published model, or as GGUF permutes
// them. That is undone, but for q8, whose scales belong to groups of neighbours.
enum class KeyOrder : std::uint32_t { kPlain = 0, kInterleaved = 1 };
inline KeyOrder key_order_of(const Engine& engine, KvType type) {
  const bool stays = type == KvType::kQ8 && engine.interleaves_keys();
  return stays ? KeyOrder::kInterleaved : KeyOrder::kPlain;
}

// What the options section says.
struct SavedOptions {
  Session::Options session;
  std::int64_t n_tokens = 0;
  std::int64_t position = 0;  // of the state; tokens behind it are computed again
  KeyOrder key_order = KeyOrder::kPlain;
  std::vector<std::int64_t> snapshots;  // their positions, descending
};

// The sections of such a session, without checksums, behind a header and its table.
std::vector<Section> sections_of(const SavedOptions& options, const StateLayout& layout,
                                 const ModelConfig& config);

std::vector<std::byte> encode(const SavedHeader& header);
std::vector<std::byte> encode(const SavedOptions& options);

// kUnsupportedFormat for what is no saved session or one of another format version, kBadFile for a
// damaged one.
Result<SavedHeader> read_header(const DataSource& source);
// `bytes` are those of the section, their checksum being right. kBadFile for numbers that are out
// of their range for such a model.
Result<SavedOptions> decode_options(const DataSource& source, const Section& section,
                                    std::span<const std::byte> bytes, const ModelConfig& config);

template <typename Number>
void append_number(std::vector<std::byte>& out, Number number) {
  out.resize(out.size() + sizeof number);
  std::memcpy(out.data() + out.size() - sizeof number, &number, sizeof number);
}

Status bad_section(const DataSource& source, const Section& section, const std::string& what);

}  // namespace nemotron
