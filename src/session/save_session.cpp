// Writing a session. What it holds is taken under the engine's lock; it is written without.
#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "base/text.h"
#include "io/checksum.h"
#include "io/output_file.h"
#include "session/saved_format.h"
#include "session/saved_session.h"

namespace nemotron {

namespace {

using Sink = std::function<Status(std::uint64_t offset, std::span<const std::byte> bytes)>;

constexpr std::size_t kPieceBytes = 256 << 10;  // stays in a second-level cache

class SessionWriter {
 public:
  static Result<SessionWriter> create(const Session& session, const SaveOptions& options);

  std::uint64_t size_bytes() const { return header_.file_bytes(); }
  bool drop_oldest_snapshot();  // false when there is none
  Status write(const Sink& sink);

 private:
  SessionWriter(Engine& engine, SequenceContents contents)
      : engine_(engine), contents_(std::move(contents)) {}

  void plan();
  Status append(std::span<const std::byte> bytes, std::size_t section);
  Status append_device(const std::byte* device, std::size_t section);
  Status write_state(const LayerState& state, std::size_t& section);
  Status write_kv(std::size_t first_section);

  Engine& engine_;
  SequenceContents contents_;
  SavedOptions options_;
  SavedHeader header_;
  const Sink* sink_ = nullptr;
  std::vector<Checksum> checksums_;       // by section
  std::vector<std::uint64_t> n_written_;  // as checksums_
  std::vector<std::byte> piece_;
};

Result<SessionWriter> SessionWriter::create(const Session& session, const SaveOptions& options) {
  Engine& engine = session.engine();
  NEMO_ASSIGN(
      SequenceContents contents,
      engine.contents(session.sequence(), std::min(options.max_snapshots, kMaxSavedSnapshots)));
  SessionWriter writer(engine, std::move(contents));
  writer.header_.library_version = options.library_version;
  writer.header_.fingerprint = engine.fingerprint();
  SavedOptions& saved = writer.options_;
  saved.session = session.options();
  saved.n_tokens = static_cast<std::int64_t>(writer.contents_.tokens.size());
  saved.position = writer.contents_.state.position();
  saved.key_order = key_order_of(engine, saved.session.kv_type);
  for (const LayerState& state : writer.contents_.kept) saved.snapshots.push_back(state.position());
  writer.plan();
  return writer;
}

void SessionWriter::plan() {
  header_.sections = sections_of(options_, contents_.state.layout(), engine_.config());
}

bool SessionWriter::drop_oldest_snapshot() {
  if (contents_.kept.empty()) return false;
  contents_.kept.pop_back();
  options_.snapshots.pop_back();
  plan();
  return true;
}

Status SessionWriter::write(const Sink& sink) {
  sink_ = &sink;
  checksums_.resize(header_.sections.size());
  n_written_.assign(header_.sections.size(), 0);
  piece_.resize(kPieceBytes);
  NEMO_TRY(append(encode(options_), 0));
  NEMO_TRY(append(std::as_bytes(std::span(contents_.tokens)), 1));
  std::size_t section = 2;
  if (contents_.state.position() > 0) {
    NEMO_TRY(write_state(contents_.state, section));
    for (const LayerState& state : contents_.kept) NEMO_TRY(write_state(state, section));
    NEMO_TRY(write_kv(section));
  }
  for (std::size_t i = 0; i < header_.sections.size(); ++i)
    header_.sections[i].checksum = checksums_[i].digest();
  return sink(0, encode(header_));
}

Status SessionWriter::append(std::span<const std::byte> bytes, std::size_t section) {
  checksums_[section].update(bytes);
  const std::uint64_t offset = header_.sections[section].offset_bytes + n_written_[section];
  n_written_[section] += bytes.size();
  return (*sink_)(offset, bytes);
}

Status SessionWriter::append_device(const std::byte* device, std::size_t section) {
  const std::uint64_t size_bytes = header_.sections[section].size_bytes;
  for (std::uint64_t done = 0; done < size_bytes; done += kPieceBytes) {
    const auto piece = std::span(piece_).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, size_bytes - done)));
    NEMO_TRY(engine_.backend().read_bytes(device + done, piece));
    NEMO_TRY(append(piece, section));
  }
  return Status::ok();
}

Status SessionWriter::write_state(const LayerState& state, std::size_t& section) {
  if (state.layout().recurrent_bytes() == 0) return Status::ok();
  const auto* recurrent = static_cast<const std::byte*>(state.recurrent_data());
  NEMO_TRY(append_device(recurrent, section++));
  return append_device(recurrent + state.layout().conv_bytes, section++);
}

Status SessionWriter::write_kv(std::size_t first_section) {
  const LayerState& state = contents_.state;
  KvPart part{state.layout().kv};
  part.is_interleaved = engine_.interleaves_keys();
  std::int64_t n_left = state.position();
  for (const StateRef& block : state.kv_blocks()) {
    const std::int64_t n = std::min(n_left, kernels::kKvBlockTokens);
    piece_.resize(static_cast<std::size_t>(n) * part.row_bytes());
    std::size_t section = first_section;
    for (part.layer = 0; part.layer < part.layout.n_layers; ++part.layer)
      for (const bool is_values : {false, true}) {
        part.is_values = is_values;
        NEMO_TRY(engine_.backend().read_kv(part, block.data(), piece_));
        NEMO_TRY(append(piece_, section++));
      }
    n_left -= n;
  }
  return Status::ok();
}

}  // namespace

Status save_session(const Session& session, const std::string& path, const SaveOptions& options) {
  NEMO_ASSIGN(SessionWriter writer, SessionWriter::create(session, options));
  NEMO_ASSIGN(const auto file, OutputFile::create(path, writer.size_bytes()));
  NEMO_TRY(writer.write([&](std::uint64_t offset, std::span<const std::byte> bytes) {
    return file->write_at(offset, bytes);
  }));
  return file->commit();
}

Status save_session(const Session& session, std::span<std::byte> buffer, const SaveOptions& options,
                    std::uint64_t& size_bytes) {
  NEMO_ASSIGN(SessionWriter writer, SessionWriter::create(session, options));
  size_bytes = writer.size_bytes();
  // Other sessions may have added snapshots since the caller asked for the size.
  while (!buffer.empty() && writer.size_bytes() > buffer.size() && writer.drop_oldest_snapshot()) {
  }
  if (writer.size_bytes() > buffer.size())
    return {StatusCode::kBufferTooSmall,
            join("the buffer holds ", buffer.size(), "; ", size_bytes, " needed")};
  size_bytes = writer.size_bytes();
  return writer.write([&](std::uint64_t offset, std::span<const std::byte> bytes) {
    if (!bytes.empty()) std::memcpy(buffer.data() + offset, bytes.data(), bytes.size());
    return Status::ok();
  });
}

}  // namespace nemotron
