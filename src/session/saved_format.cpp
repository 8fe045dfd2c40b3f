// Header and table of sections; options are in saved_options.cpp.
#include "session/saved_format.h"

#include <array>
#include <cstring>
#include <limits>
#include <string_view>

#include "base/checked_math.h"
#include "base/text.h"
#include "io/byte_reader.h"
#include "io/checksum.h"

namespace nemotron {

namespace {

constexpr std::array<char, 8> kMagic = {'N', 'E', 'M', 'O', 'S', 'E', 'S', 'S'};
constexpr std::uint64_t kHeaderBytes = 48;
constexpr std::uint64_t kSectionBytes = 32;
constexpr std::size_t kChecksumOffset = 40;
constexpr std::uint32_t kMaxSections = 1 << 16;

// Of header and table, the place of the checksum itself being zero.
std::uint64_t header_checksum(std::vector<std::byte> bytes) {
  std::memset(bytes.data() + kChecksumOffset, 0, sizeof(std::uint64_t));
  return checksum_of(bytes);
}

Status not_ours(const DataSource& source, const std::string& what) {
  return {StatusCode::kUnsupportedFormat, join("'", source.name(), "' ", what), 0};
}

Status damaged(const DataSource& source, const std::string& what, std::uint64_t offset = 0) {
  return {StatusCode::kBadFile, join("'", source.name(), "' ", what),
          static_cast<std::int64_t>(offset)};
}

std::string_view name_of(SectionKind kind) {
  constexpr std::string_view kNames[] = {
      "section", "options section", "tokens", "convolution state", "SSM state", "keys", "values"};
  const auto i = static_cast<std::size_t>(kind);
  return kNames[i < std::size(kNames) ? i : 0];
}

Status read_sections(const DataSource& source, ByteReader& reader, std::uint32_t n_sections,
                     SavedHeader& header) {
  std::uint64_t expected = kHeaderBytes + n_sections * kSectionBytes;
  header.sections.resize(n_sections);
  for (Section& section : header.sections) {
    std::uint32_t kind = 0;
    NEMO_TRY(reader.read_number(kind));
    NEMO_TRY(reader.read_number(section.index));
    NEMO_TRY(reader.read_number(section.offset_bytes));
    NEMO_TRY(reader.read_number(section.size_bytes));
    NEMO_TRY(reader.read_number(section.checksum));
    section.kind = static_cast<SectionKind>(kind);
    if (section.offset_bytes != expected || section.size_bytes > source.size_bytes() - expected)
      return damaged(source, "has sections that do not follow one another", expected);
    expected += section.size_bytes;
  }
  if (expected != source.size_bytes())
    return damaged(source, "goes on behind its last section", expected);
  return Status::ok();
}

std::uint64_t conv_state_bytes(const ModelConfig& c) {
  if (!c.has(LayerKind::mamba2)) return 0;
  return static_cast<std::uint64_t>(c.count(LayerKind::mamba2)) *
         static_cast<std::uint64_t>((c.d_conv - 1) * c.conv_dim()) * sizeof(float);
}

}  // namespace

std::uint64_t SavedHeader::file_bytes() const {
  return sections.back().offset_bytes + sections.back().size_bytes;
}

std::vector<Section> sections_of(const SavedOptions& options, const StateLayout& layout,
                                 const ModelConfig& config) {
  std::vector<Section> sections;
  const auto add = [&](SectionKind kind, std::int64_t index, std::uint64_t size_bytes) {
    sections.push_back({kind, static_cast<std::uint32_t>(index), 0, size_bytes, 0});
  };
  const auto tokens = static_cast<std::uint64_t>(options.n_tokens);
  const auto rows = static_cast<std::uint64_t>(options.position);
  add(SectionKind::kOptions, 0, encode(options).size());
  add(SectionKind::kTokens, 0, tokens * sizeof(std::int32_t));
  if (rows > 0 && layout.recurrent_bytes() > 0)
    for (std::size_t i = 0; i <= options.snapshots.size(); ++i) {
      add(SectionKind::kConvolution, static_cast<std::int64_t>(i), conv_state_bytes(config));
      add(SectionKind::kSsm, static_cast<std::int64_t>(i), layout.ssm_bytes);
    }
  const KvPart part{layout.kv};
  for (std::int64_t layer = 0; layer < layout.kv.n_layers && rows > 0; ++layer) {
    add(SectionKind::kKeys, layer, rows * part.row_bytes());
    add(SectionKind::kValues, layer, rows * part.row_bytes());
  }
  std::uint64_t offset = kHeaderBytes + sections.size() * kSectionBytes;
  for (Section& section : sections) {
    section.offset_bytes = offset;
    offset += section.size_bytes;
  }
  return sections;
}

std::vector<std::byte> encode(const SavedHeader& header) {
  std::vector<std::byte> out;
  for (const char c : kMagic) append_number(out, c);
  append_number(out, kSavedFormatVersion);
  append_number(out, header.library_version);
  append_number(out, header.fingerprint);
  append_number(out, header.file_bytes());
  append_number(out, static_cast<std::uint32_t>(header.sections.size()));
  append_number(out, std::uint32_t{0});
  append_number(out, std::uint64_t{0});
  for (const Section& section : header.sections) {
    append_number(out, static_cast<std::uint32_t>(section.kind));
    append_number(out, section.index);
    append_number(out, section.offset_bytes);
    append_number(out, section.size_bytes);
    append_number(out, section.checksum);
  }
  const std::uint64_t checksum = header_checksum(out);
  std::memcpy(out.data() + kChecksumOffset, &checksum, sizeof checksum);
  return out;
}

Result<SavedHeader> read_header(const DataSource& source) {
  ByteReader reader(source);
  std::array<char, kMagic.size()> magic{};
  std::uint32_t version = 0;
  if (source.size_bytes() < kHeaderBytes)
    return not_ours(source, "is too short to be a saved session");
  NEMO_TRY(reader.read_bytes(std::as_writable_bytes(std::span(magic))));
  if (magic != kMagic) return not_ours(source, "is not a saved session");
  NEMO_TRY(reader.read_number(version));
  if (version != kSavedFormatVersion)
    return not_ours(
        source, join("has format version ", version, "; this library reads ", kSavedFormatVersion));
  SavedHeader header;
  std::uint64_t file_bytes = 0, checksum = 0;
  std::uint32_t n_sections = 0, reserved = 0;
  NEMO_TRY(reader.read_number(header.library_version));
  NEMO_TRY(reader.read_number(header.fingerprint));
  NEMO_TRY(reader.read_number(file_bytes));
  NEMO_TRY(reader.read_number(n_sections));
  NEMO_TRY(reader.read_number(reserved));
  NEMO_TRY(reader.read_number(checksum));
  if (n_sections > kMaxSections || n_sections * kSectionBytes > source.size_bytes() - kHeaderBytes)
    return damaged(source, "ends inside its table of sections, or that is damaged", kHeaderBytes);
  std::vector<std::byte> bytes(kHeaderBytes + n_sections * kSectionBytes);
  NEMO_TRY(source.read_at(0, bytes));
  if (header_checksum(bytes) != checksum)
    return damaged(source, "is damaged: the checksum of its header is wrong");
  if (file_bytes != source.size_bytes())
    return damaged(source, join("has ", source.size_bytes(), " bytes; ", file_bytes, " expected"));
  NEMO_TRY(read_sections(source, reader, n_sections, header));
  if (n_sections < 2 || header.sections[0].kind != SectionKind::kOptions ||
      header.sections[1].kind != SectionKind::kTokens)
    return damaged(source, "has no options and tokens where they belong", kHeaderBytes);
  return header;
}

Status bad_section(const DataSource& source, const Section& section, const std::string& what) {
  return damaged(source,
                 join("is damaged: its ", name_of(section.kind), " ", section.index, " ", what),
                 section.offset_bytes);
}

}  // namespace nemotron
