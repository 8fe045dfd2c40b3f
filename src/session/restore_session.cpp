// Reading a session. The file is hostile: each number is checked before it is used, nothing is
// allocated that the file does not have the bytes for, and the session is handed out when the last
// checksum was right.
#include <algorithm>
#include <utility>

#include "base/checked_math.h"
#include "base/text.h"
#include "io/checksum.h"
#include "session/saved_format.h"
#include "session/saved_session.h"

namespace nemotron {

namespace {

constexpr std::size_t kReadBytes = 256 << 10;
constexpr std::uint64_t kMaxOptionsBytes = 4096;

// One section, read from its beginning to its end.
class SectionReader {
 public:
  SectionReader(const DataSource& source, const Section& section)
      : source_(source), section_(section) {}

  std::uint64_t n_left() const { return section_.size_bytes - n_read_; }
  Status read(std::span<std::byte> out) {
    NEMO_TRY(source_.read_at(section_.offset_bytes + n_read_, out));
    n_read_ += out.size();
    checksum_.update(out);
    return Status::ok();
  }
  // After the last byte.
  Status finish() const {
    if (checksum_.digest() == section_.checksum) return Status::ok();
    return bad_section(source_, section_, "has the wrong checksum");
  }

 private:
  const DataSource& source_;
  const Section& section_;
  Checksum checksum_;
  std::uint64_t n_read_ = 0;
};

class SessionReader {
 public:
  SessionReader(std::shared_ptr<Engine> engine, const DataSource& source,
                const RestoreOptions& options)
      : engine_(std::move(engine)), source_(source), options_(options), piece_(kReadBytes) {}

  Result<std::unique_ptr<Session>> read();

 private:
  Status check_origin() const;
  Status read_options();
  Result<std::vector<std::int32_t>> read_tokens();
  Status check_sections(const StateLayout& layout) const;
  Status read_states(SequenceContents& contents);
  Status read_recurrent(const StateRef& to, const StateLayout& layout, std::size_t& section);
  Status read_section(std::size_t section, std::byte* device);
  Status read_kv(const LayerState& state, std::size_t first_section);

  std::shared_ptr<Engine> engine_;
  const DataSource& source_;
  const RestoreOptions& options_;
  SavedHeader header_;
  SavedOptions saved_;
  std::vector<std::byte> piece_;
};

Result<std::unique_ptr<Session>> SessionReader::read() {
  NEMO_ASSIGN(header_, read_header(source_));
  NEMO_TRY(check_origin());
  NEMO_TRY(read_options());
  NEMO_ASSIGN(std::vector<std::int32_t> tokens, read_tokens());
  Session::Options options = saved_.session;
  options.turn_starts = options_.turn_starts;
  if (options_.max_tokens != 0) options.max_tokens = options_.max_tokens;
  if (saved_.n_tokens > options.max_tokens)
    return Status(StatusCode::kContextFull, join("'", source_.name(), "' holds ", saved_.n_tokens,
                                                 " tokens, more than ", options.max_tokens));
  auto created = Session::create(engine_, options);
  if (!created.is_ok())
    return std::move(created).status().with_prefix(join("'", source_.name(), "'"));
  std::unique_ptr<Session> session = std::move(created).value();
  const StateLayout& layout = session->sequence()->state.layout();
  SequenceContents contents{std::move(tokens), LayerState(layout), {}};
  if (!options_.tokens_only) {
    NEMO_TRY(check_sections(layout));
    NEMO_TRY(read_states(contents));
  }
  NEMO_TRY(engine_->fill(session->sequence(), std::move(contents)));
  return session;
}

Status SessionReader::check_origin() const {
  if (options_.tokens_only) return Status::ok();
  if (header_.library_version != options_.library_version)
    return {StatusCode::kModelMismatch,
            join("'", source_.name(), "' was saved by version ", header_.library_version,
                 " of the library; this is ", options_.library_version)};
  if (header_.fingerprint != engine_->fingerprint())
    return {
        StatusCode::kModelMismatch,
        join("'", source_.name(), "' was saved with another model, or with other numeric options")};
  return Status::ok();
}

Status SessionReader::read_options() {
  const Section& section = header_.sections[0];
  if (section.size_bytes > kMaxOptionsBytes) return bad_section(source_, section, "is too long");
  std::vector<std::byte> bytes(static_cast<std::size_t>(section.size_bytes));
  SectionReader reader(source_, section);
  NEMO_TRY(reader.read(bytes));
  NEMO_TRY(reader.finish());
  NEMO_ASSIGN(saved_, decode_options(source_, section, bytes, engine_->config()));
  return Status::ok();
}

Result<std::vector<std::int32_t>> SessionReader::read_tokens() {
  const Section& section = header_.sections[1];
  if (section.size_bytes != static_cast<std::uint64_t>(saved_.n_tokens) * sizeof(std::int32_t))
    return bad_section(source_, section, "do not have the length that the options state");
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(saved_.n_tokens));
  SectionReader reader(source_, section);
  NEMO_TRY(reader.read(std::as_writable_bytes(std::span(tokens))));
  NEMO_TRY(reader.finish());
  const int n_vocab = engine_->config().n_vocab;
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] < 0 || tokens[i] >= n_vocab)
      return Status(StatusCode::kInvalidToken,
                    join("'", source_.name(), "': token ", i, " is ", tokens[i],
                         ", outside the vocabulary of ", n_vocab));
  return tokens;
}

// The checksums apart, the table must be the one that saving such a session writes.
Status SessionReader::check_sections(const StateLayout& layout) const {
  const std::vector<Section> expected = sections_of(saved_, layout, engine_->config());
  const auto is_same = [](const Section& a, const Section& b) {
    return a.kind == b.kind && a.index == b.index && a.size_bytes == b.size_bytes;
  };
  if (!std::equal(header_.sections.begin(), header_.sections.end(), expected.begin(),
                  expected.end(), is_same))
    return {StatusCode::kBadFile,
            join("'", source_.name(), "' does not have the sections of such a session")};
  if (saved_.key_order != key_order_of(*engine_, layout.kv.type))
    return {StatusCode::kBadFile,
            join("'", source_.name(), "' has keys in another order than those of this type")};
  return Status::ok();
}

Status SessionReader::read_states(SequenceContents& contents) {
  if (saved_.position == 0) return Status::ok();
  const StateLayout& layout = contents.state.layout();
  NEMO_ASSIGN(contents.state, engine_->new_state(layout, saved_.position));
  std::size_t section = 2;
  if (layout.recurrent_bytes() > 0) {
    NEMO_TRY(read_recurrent(contents.state.recurrent(), layout, section));
    for (const std::int64_t position : saved_.snapshots) {
      // Read without memory for it, too: every checksum must be right.
      StateRef recurrent = engine_->new_recurrent(layout);
      NEMO_TRY(read_recurrent(recurrent, layout, section));
      if (!recurrent) continue;
      const auto blocks = contents.state.kv_blocks();
      const auto n = std::min(
          blocks.size(), static_cast<std::size_t>(ceil_div(position, kernels::kKvBlockTokens)));
      contents.kept.emplace_back(
          layout, position, std::move(recurrent),
          std::vector<StateRef>(blocks.begin(), blocks.begin() + static_cast<std::ptrdiff_t>(n)));
    }
  }
  return read_kv(contents.state, section);
}

Status SessionReader::read_recurrent(const StateRef& to, const StateLayout& layout,
                                     std::size_t& section) {
  auto* device = static_cast<std::byte*>(to.data());
  NEMO_TRY(read_section(section++, device));
  return read_section(section++, device == nullptr ? nullptr : device + layout.conv_bytes);
}

Status SessionReader::read_section(std::size_t section, std::byte* device) {
  SectionReader reader(source_, header_.sections[section]);
  while (reader.n_left() > 0) {
    const auto piece = std::span(piece_).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(kReadBytes, reader.n_left())));
    NEMO_TRY(reader.read(piece));
    if (device == nullptr) continue;
    NEMO_TRY(engine_->backend().write_bytes(device, piece));
    device += piece.size();
  }
  return reader.finish();
}

Status SessionReader::read_kv(const LayerState& state, std::size_t first_section) {
  KvPart part{state.layout().kv};
  part.is_interleaved = engine_->interleaves_keys();
  std::vector<SectionReader> readers;
  for (std::size_t i = first_section; i < header_.sections.size(); ++i)
    readers.emplace_back(source_, header_.sections[i]);
  std::int64_t n_left = state.position();
  for (const StateRef& block : state.kv_blocks()) {
    const std::int64_t n = std::min(n_left, kernels::kKvBlockTokens);
    piece_.resize(static_cast<std::size_t>(n) * part.row_bytes());
    auto reader = readers.begin();
    for (part.layer = 0; part.layer < part.layout.n_layers; ++part.layer)
      for (const bool is_values : {false, true}) {
        part.is_values = is_values;
        NEMO_TRY((reader++)->read(piece_));
        NEMO_TRY(engine_->backend().write_kv(part, block.data(), piece_));
      }
    n_left -= n;
  }
  for (const SectionReader& reader : readers) NEMO_TRY(reader.finish());
  return Status::ok();
}

}  // namespace

Result<std::unique_ptr<Session>> restore_session(const std::shared_ptr<Engine>& engine,
                                                 const DataSource& source,
                                                 const RestoreOptions& options) {
  return SessionReader(engine, source, options).read();
}

}  // namespace nemotron
