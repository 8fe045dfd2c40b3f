// What the tests of saved sessions share: saving to bytes, restoring, and comparing what follows.
#pragma once

#include <cstring>

#include "model/golden_case.h"
#include "session/saved_session.h"

namespace nemotron::test {

using Bytes = std::vector<std::byte>;

inline const SaveOptions kSave{.max_snapshots = 2, .library_version = 7};
inline const RestoreOptions kRestore{.library_version = 7};

inline std::vector<std::int32_t> some_tokens(const Engine& engine, std::size_t n,
                                             std::uint32_t seed = 1) {
  std::vector<std::int32_t> tokens(n);
  for (std::int32_t& token : tokens) {
    seed = seed * 1664525u + 1013904223u;
    token = static_cast<std::int32_t>((seed >> 8) %
                                      static_cast<std::uint32_t>(engine.config().n_vocab));
  }
  return tokens;
}

inline void run(Session& session, std::span<const std::int32_t> tokens) {
  const Status status = session.eval(tokens, {});
  INFO(status.message());
  REQUIRE(status.is_ok());
}

inline Bytes save_bytes(const Session& session, const SaveOptions& options = kSave) {
  std::uint64_t size = 0;
  REQUIRE(save_session(session, {}, options, size).code() == StatusCode::kBufferTooSmall);
  Bytes bytes(size);
  const Status status = save_session(session, bytes, options, size);
  INFO(status.message());
  REQUIRE(status.is_ok());
  REQUIRE(size == bytes.size());
  return bytes;
}

inline Result<std::unique_ptr<Session>> try_restore(const std::shared_ptr<Engine>& engine,
                                                    std::span<const std::byte> bytes,
                                                    const RestoreOptions& options = kRestore) {
  return restore_session(engine, *memory_source("saved", bytes), options);
}

inline std::unique_ptr<Session> restore_bytes(const std::shared_ptr<Engine>& engine,
                                              std::span<const std::byte> bytes,
                                              const RestoreOptions& options = kRestore) {
  auto session = try_restore(engine, bytes, options);
  INFO(session.status().message());
  REQUIRE(session.is_ok());
  return std::move(session).value();
}

// The logits after each of some more tokens.
inline std::vector<float> continued(Session& session) {
  const std::vector<std::int32_t> more = some_tokens(session.engine(), 9, 99);
  return eval_in_pieces(session, more, 4);
}

inline bool same_bytes(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

}  // namespace nemotron::test
