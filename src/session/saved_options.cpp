// The options section: fixed numbers, then the positions of the snapshots.
#include <initializer_list>
#include <string_view>

#include "base/text.h"
#include "io/byte_reader.h"
#include "session/saved_format.h"

namespace nemotron {

namespace {

// Numbers as files have them; not those of the enumerations, which may change.
constexpr std::uint32_t number_of(KvType type) {
  return type == KvType::kBF16 ? 1 : type == KvType::kF32 ? 2 : 3;
}
constexpr std::uint32_t number_of(StateType type) { return type == StateType::kF32 ? 1 : 2; }
constexpr std::uint32_t number_of(SnapshotPolicy policy) {
  return policy == SnapshotPolicy::kTurns ? 0 : policy == SnapshotPolicy::kAllTurns ? 1 : 2;
}

template <typename Enumeration>
bool find_number(std::uint32_t number, std::initializer_list<Enumeration> all, Enumeration& out) {
  for (const Enumeration value : all)
    if (number_of(value) == number) {
      out = value;
      return true;
    }
  return false;
}

struct OptionNumbers {
  std::uint32_t kv_type = 0, state_type = 0, snapshot_policy = 0, key_order = 0, n_snapshots = 0;
  std::int32_t priority = 0;
};

Status read_numbers(ByteReader& reader, OptionNumbers& n, SavedOptions& out) {
  NEMO_TRY(reader.read_number(n.kv_type));
  NEMO_TRY(reader.read_number(n.state_type));
  NEMO_TRY(reader.read_number(n.snapshot_policy));
  NEMO_TRY(reader.read_number(n.priority));
  NEMO_TRY(reader.read_number(out.session.max_tokens));
  NEMO_TRY(reader.read_number(out.session.snapshot_every));
  NEMO_TRY(reader.read_number(out.n_tokens));
  NEMO_TRY(reader.read_number(out.position));
  NEMO_TRY(reader.read_number(n.key_order));
  return reader.read_number(n.n_snapshots);
}

// Nothing, or what is wrong.
std::string_view fault_in(const SavedOptions& o, const ModelConfig& config) {
  if (o.session.max_tokens < 1 || o.session.max_tokens > config.max_context)
    return "a limit of tokens that the model cannot have";
  if (o.session.snapshot_every < 0) return "a negative distance of snapshots";
  if (o.n_tokens < 0 || o.n_tokens > o.session.max_tokens) return "more tokens than its limit";
  if (o.position < 0 || o.position > o.n_tokens) return "a state behind more tokens than it has";
  std::int64_t last = o.position;
  for (const std::int64_t position : o.snapshots) {
    if (position < 1 || position >= last) return "snapshots that are not in order";
    last = position;
  }
  return {};
}

}  // namespace

std::vector<std::byte> encode(const SavedOptions& options) {
  const Session::Options& session = options.session;
  std::vector<std::byte> out;
  append_number(out, number_of(session.kv_type));
  append_number(out, number_of(session.state_type));
  append_number(out, number_of(session.snapshot_policy));
  append_number(out, session.priority);
  append_number(out, session.max_tokens);
  append_number(out, session.snapshot_every);
  append_number(out, options.n_tokens);
  append_number(out, options.position);
  append_number(out, static_cast<std::uint32_t>(options.key_order));
  append_number(out, static_cast<std::uint32_t>(options.snapshots.size()));
  for (const std::int64_t position : options.snapshots) append_number(out, position);
  return out;
}

Result<SavedOptions> decode_options(const DataSource& source, const Section& section,
                                    std::span<const std::byte> bytes, const ModelConfig& config) {
  const auto memory = memory_source(source.name(), bytes);
  ByteReader reader(*memory);
  SavedOptions out;
  OptionNumbers n;
  NEMO_TRY(read_numbers(reader, n, out));
  Session::Options& session = out.session;
  session.priority = n.priority;
  if (!find_number(n.kv_type, {KvType::kBF16, KvType::kF32, KvType::kQ8}, session.kv_type))
    return bad_section(source, section, join("names the unknown KV type ", n.kv_type));
  if (!find_number(n.state_type, {StateType::kF32, StateType::kBF16}, session.state_type))
    return bad_section(source, section, join("names the unknown state type ", n.state_type));
  if (!find_number(n.snapshot_policy,
                   {SnapshotPolicy::kTurns, SnapshotPolicy::kAllTurns, SnapshotPolicy::kNone},
                   session.snapshot_policy))
    return bad_section(source, section, join("names the unknown policy ", n.snapshot_policy));
  if (n.key_order > 1) return bad_section(source, section, "names an unknown order of keys");
  out.key_order = static_cast<KeyOrder>(n.key_order);
  if (n.n_snapshots > kMaxSavedSnapshots)
    return bad_section(source, section, join("counts ", n.n_snapshots, " snapshots"));
  out.snapshots.resize(n.n_snapshots);
  for (std::int64_t& position : out.snapshots) NEMO_TRY(reader.read_number(position));
  if (reader.remaining() != 0) return bad_section(source, section, "is too long");
  if (const std::string_view fault = fault_in(out, config); !fault.empty())
    return bad_section(source, section, join("tells of ", fault));
  return out;
}

}  // namespace nemotron
