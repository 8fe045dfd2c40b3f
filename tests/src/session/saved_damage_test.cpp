// Files that are damaged, of another model, or made to do harm: refused with a sentence, and the
// engine holds nothing of them.
#include <filesystem>
#include <fstream>

#include "io/checksum.h"
#include "lib/io/temp_folder.h"
#include "session/saved_format.h"
#include "src/session/saved_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

const std::string kModel = kModelData + "hf/tiny_chat";

// A session of few tokens with one snapshot.
Bytes small_file(const std::shared_ptr<Engine>& engine) {
  const auto session = make_session(engine, KvType::kBF16);
  run(*session, some_tokens(*engine, 3));
  REQUIRE(session->keep().is_ok());
  run(*session, some_tokens(*engine, 2, 8));
  return save_bytes(*session);
}

void check_refused(const std::shared_ptr<Engine>& engine, std::span<const std::byte> bytes,
                   const RestoreOptions& options = kRestore) {
  const auto restored = try_restore(engine, bytes, options);
  REQUIRE_FALSE(restored.is_ok());
  const StatusCode code = restored.status().code();
  const bool is_named = code == StatusCode::kBadFile || code == StatusCode::kUnsupportedFormat;
  if (!is_named) FAIL(restored.status().message());
  if (restored.status().message().find("'saved'") == std::string::npos)
    FAIL(restored.status().message());
}

// Writes a section anew, with checksums that are right.
Bytes with_options(const Bytes& bytes, const SavedOptions& options) {
  const auto source = memory_source("saved", bytes);
  SavedHeader header = read_header(*source).value();
  const Bytes encoded = encode(options);
  Bytes out(bytes);
  REQUIRE(encoded.size() == header.sections[0].size_bytes);
  std::copy(encoded.begin(), encoded.end(),
            out.begin() + static_cast<std::ptrdiff_t>(header.sections[0].offset_bytes));
  header.sections[0].checksum = checksum_of(encoded);
  const Bytes head = encode(header);
  std::copy(head.begin(), head.end(), out.begin());
  return out;
}

}  // namespace

TEST_CASE("every flipped bit is noticed") {
  const auto engine = load_engine(kModel, best_kernels());
  Bytes bytes = small_file(engine);
  const EngineStats before = engine->stats();
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      bytes[i] ^= std::byte{1} << bit;
      check_refused(engine, bytes);
      bytes[i] ^= std::byte{1} << bit;
    }
  CHECK(engine->stats().n_sequences == before.n_sequences);
  CHECK(engine->stats().state_bytes == before.state_bytes);
  CHECK(engine->stats().cache.n_snapshots == before.cache.n_snapshots);
  restore_bytes(engine, bytes);
}

TEST_CASE("every truncation, and what is too long, is noticed") {
  const auto engine = load_engine(kModel, best_kernels());
  Bytes bytes = small_file(engine);
  for (std::size_t n = 0; n < bytes.size(); ++n) check_refused(engine, std::span(bytes).first(n));
  bytes.push_back(std::byte{0});
  check_refused(engine, bytes);
}

TEST_CASE("numbers out of range are refused although every checksum is right") {
  const auto engine = load_engine(kModel, best_kernels());
  const Bytes bytes = small_file(engine);
  SavedOptions good;
  good.session.max_tokens = engine->config().max_context;
  good.n_tokens = 5;
  good.position = 5;
  good.snapshots = {3};
  REQUIRE((with_options(bytes, good) == bytes));
  const auto check_with = [&](auto&& change) {
    SavedOptions options = good;
    change(options);
    check_refused(engine, with_options(bytes, options));
  };
  check_with([](SavedOptions& o) { o.session.max_tokens = 0; });
  check_with([](SavedOptions& o) { o.session.max_tokens = -1; });
  check_with([](SavedOptions& o) { o.session.max_tokens = INT64_MAX; });
  check_with([](SavedOptions& o) { o.session.max_tokens = 4; });
  check_with([](SavedOptions& o) { o.session.snapshot_every = -1; });
  check_with([](SavedOptions& o) { o.session.kv_type = KvType::kF32; });
  check_with([](SavedOptions& o) { o.session.state_type = StateType::kBF16; });
  check_with([](SavedOptions& o) { o.n_tokens = 6; });
  check_with([](SavedOptions& o) { o.n_tokens = INT64_MIN; });
  check_with([](SavedOptions& o) { o.position = 6; });
  check_with([](SavedOptions& o) { o.position = 4; });
  check_with([](SavedOptions& o) { o.position = 0; });
  check_with([](SavedOptions& o) { o.position = INT64_MAX; });
  check_with([](SavedOptions& o) { o.snapshots = {5}; });
  check_with([](SavedOptions& o) { o.snapshots = {0}; });
  check_with([](SavedOptions& o) { o.snapshots = {-3}; });
  check_with([](SavedOptions& o) { o.key_order = KeyOrder::kInterleaved; });
  check_with([](SavedOptions& o) { o.key_order = static_cast<KeyOrder>(7); });
}

TEST_CASE("tokens outside the vocabulary are refused although the checksum is right") {
  const auto engine = load_engine(kModel, best_kernels());
  Bytes bytes = small_file(engine);
  SavedHeader header = read_header(*memory_source("saved", bytes)).value();
  Section& tokens = header.sections[1];
  const std::int32_t bad = GENERATE(-1, 320);
  std::memcpy(bytes.data() + tokens.offset_bytes + 8, &bad, sizeof bad);
  tokens.checksum = checksum_of(std::span(bytes).subspan(tokens.offset_bytes, tokens.size_bytes));
  const Bytes head = encode(header);
  std::copy(head.begin(), head.end(), bytes.begin());
  const auto restored = try_restore(engine, bytes);
  CHECK(restored.status().code() == StatusCode::kInvalidToken);
  CHECK(restored.status().message().find("token 2") != std::string::npos);
}

TEST_CASE("another model, another version and other numeric options are named") {
  const auto engine = load_engine(kModel, best_kernels());
  const Bytes bytes = small_file(engine);
  const auto check_mismatch = [&](const std::shared_ptr<Engine>& other,
                                  const RestoreOptions& options) {
    const auto restored = try_restore(other, bytes, options);
    CHECK(restored.status().code() == StatusCode::kModelMismatch);
    CHECK(restored.status().message().find("'saved'") != std::string::npos);
  };
  check_mismatch(engine, {.library_version = 8});
  check_mismatch(load_engine(kModelData + "gguf/tiny_chat.gguf", best_kernels()), kRestore);
  EngineOptions options;
  options.numeric_options = 2;
  check_mismatch(load_engine(kModel, best_kernels(), 1, options), kRestore);

  // The same shapes and names; one bit of one weight.
  const TempFolder folder;
  const std::string copy = folder.file("model");
  std::filesystem::copy(kModel, copy);
  std::fstream weights(copy + "/model.safetensors",
                       std::ios::in | std::ios::out | std::ios::binary);
  weights.seekg(-1, std::ios::end);
  const char last = static_cast<char>(weights.get() ^ 1);
  weights.seekp(-1, std::ios::end);
  weights.put(last);
  weights.close();
  check_mismatch(load_engine(copy, best_kernels()), kRestore);

  // The model's own levels are no other models.
  restore_bytes(load_engine(kModel, kernels::ref_kernels()), bytes);
}

TEST_CASE("tokens alone go to another version and another model, which computes them") {
  const auto engine = load_engine(kModel, best_kernels());
  const auto other = load_engine(kModelData + "gguf/tiny_chat.gguf", best_kernels());
  const Bytes bytes = small_file(engine);
  const RestoreOptions tokens_only{.library_version = 8, .tokens_only = true};
  const auto restored = restore_bytes(other, bytes, tokens_only);
  CHECK(restored->position() == 5);
  const auto reference = make_session(other, KvType::kBF16);
  run(*reference, restored->tokens());
  CHECK(same_bytes(continued(*restored), continued(*reference)));
  check_refused(other, std::span(bytes).first(bytes.size() - 1), tokens_only);
}
