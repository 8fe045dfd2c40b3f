// A session in a file or in memory: its tokens, its state, and the latest states along its tokens
// that the prefix cache holds, so that it goes on cheaply where the history was rewritten.
//
// A restored session continues with the bytes of one that was never saved. A file that is damaged
// in any bit, or was made with another model, is refused, and nothing has changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/data_source.h"
#include "session/session.h"

namespace nemotron {

struct SaveOptions {
  std::size_t max_snapshots = 2;  // beside the session's own state; up to kMaxSavedSnapshots
  std::uint32_t library_version = 0;
};

// The file appears when it is whole, and replaces an older one. kState while a request runs,
// kFileWrite.
Status save_session(const Session& session, const std::string& path, const SaveOptions& options);
// `size_bytes` receives how many there are; a buffer too small for all snapshots gets fewer of
// them. kBufferTooSmall, with the size that holds everything, when not even that is enough.
Status save_session(const Session& session, std::span<std::byte> buffer, const SaveOptions& options,
                    std::uint64_t& size_bytes);

struct RestoreOptions {
  std::uint32_t library_version = 0;
  std::int64_t max_tokens = 0;  // 0: as it was
  // The state is left out and computed again when it is used: then it may be of another version of
  // the library or of another model with these tokens.
  bool tokens_only = false;
  std::vector<std::int32_t> turn_starts{};  // of the session
};

// kUnsupportedFormat, kBadFile, kModelMismatch, kContextFull, kOverBudget, kOutOfMemory; as
// DataSource::read_at().
Result<std::unique_ptr<Session>> restore_session(const std::shared_ptr<Engine>& engine,
                                                 const DataSource& source,
                                                 const RestoreOptions& options);

}  // namespace nemotron
