// Sessions in files and in memory: nemo_session_save*, nemo_session_restore*.
#include <string>
#include <utility>

#include "api/handles.h"
#include "api/marshal.h"
#include "session/saved_format.h"
#include "session/saved_session.h"

namespace nemotron::api {

namespace {

Status read_options(const nemo_save_options* from, SaveOptions& out) {
  nemo_save_options options;
  NEMO_TRY(read_struct(from, "options", options));
  if ((options.flags & ~std::uint32_t{NEMO_SAVE_NO_SNAPSHOTS}) != 0)
    return {StatusCode::kInvalidArgument,
            join("flags ", options.flags, " has bits that are not NEMO_SAVE_")};
  if (options.max_snapshots > kMaxSavedSnapshots)
    return {StatusCode::kInvalidArgument,
            join("max_snapshots ", options.max_snapshots, " is more than ", kMaxSavedSnapshots)};
  if (options.reserved != 0) return {StatusCode::kInvalidArgument, "reserved is not 0"};
  if (options.max_snapshots != 0) out.max_snapshots = options.max_snapshots;
  if ((options.flags & NEMO_SAVE_NO_SNAPSHOTS) != 0) out.max_snapshots = 0;
  out.library_version = NEMO_VERSION_NUMBER;
  return Status::ok();
}

Status read_options(const nemo_restore_options* from, const nemo_context& context,
                    RestoreOptions& out) {
  nemo_restore_options options;
  NEMO_TRY(read_struct(from, "options", options));
  if ((options.flags & ~std::uint32_t{NEMO_RESTORE_TOKENS_ONLY}) != 0)
    return {StatusCode::kInvalidArgument,
            join("flags ", options.flags, " has bits that are not NEMO_RESTORE_")};
  const auto max_context = static_cast<std::uint32_t>(context.config.max_context);
  if (options.max_tokens > max_context)
    return {StatusCode::kInvalidArgument,
            join("max_tokens ", options.max_tokens, " is more than the model's ", max_context)};
  if (options.reserved != 0) return {StatusCode::kInvalidArgument, "reserved is not 0"};
  out.max_tokens = options.max_tokens;
  out.tokens_only = (options.flags & NEMO_RESTORE_TOKENS_ONLY) != 0;
  out.library_version = NEMO_VERSION_NUMBER;
  out.turn_starts = context.turn_starts;
  return Status::ok();
}

// The part that both ways of restoring share: `open` gives the DataSource.
template <typename Open>
Status restore(nemo_context* context, const nemo_restore_options* user_options, nemo_session** out,
               const Open& open) {
  if (out == nullptr) return null_argument("session");
  *out = nullptr;
  if (context == nullptr) return null_argument("context");
  RestoreOptions options;
  NEMO_TRY(read_options(user_options, *context, options));
  if (!context->engine)
    return {StatusCode::kState, "the context was loaded with NEMO_LOAD_NO_WEIGHTS"};
  NEMO_ASSIGN(const std::unique_ptr<DataSource> source, open());
  auto handle = std::make_unique<nemo_session>();
  NEMO_ASSIGN(handle->session, restore_session(context->engine, *source, options));
  handle->context = nemo_context_retain(context);
  *out = handle.release();
  return Status::ok();
}

}  // namespace

}  // namespace nemotron::api

using namespace nemotron;
using namespace nemotron::api;

extern "C" nemo_status nemo_session_save(nemo_session* session, const char* path,
                                         const nemo_save_options* options, nemo_error* err) {
  return guarded(session, err, [&] {
    if (session == nullptr) return null_argument("session");
    if (path == nullptr) return null_argument("path");
    SaveOptions save_options;
    NEMO_TRY(read_options(options, save_options));
    const SessionLock lock(*session);
    NEMO_TRY(lock.status());
    return save_session(*session->session, path, save_options);
  });
}

extern "C" nemo_status nemo_session_save_memory(nemo_session* session,
                                                const nemo_save_options* options, void* buffer,
                                                size_t capacity, size_t* size, nemo_error* err) {
  return guarded(session, err, [&] {
    if (session == nullptr) return null_argument("session");
    if (size == nullptr) return null_argument("size");
    SaveOptions save_options;
    NEMO_TRY(read_options(options, save_options));
    const SessionLock lock(*session);
    NEMO_TRY(lock.status());
    std::uint64_t size_bytes = 0;
    Status status = save_session(
        *session->session, {static_cast<std::byte*>(buffer), buffer == nullptr ? 0 : capacity},
        save_options, size_bytes);
    *size = static_cast<size_t>(size_bytes);
    return status;
  });
}

extern "C" nemo_status nemo_session_restore(nemo_context* context, const char* path,
                                            const nemo_restore_options* options,
                                            nemo_session** session, nemo_error* err) {
  return guarded(context, err, [&] {
    return restore(context, options, session, [&]() -> Result<std::unique_ptr<DataSource>> {
      if (path == nullptr) return null_argument("path");
      return open_file(path);
    });
  });
}

extern "C" nemo_status nemo_session_restore_memory(nemo_context* context, const void* data,
                                                   size_t size, const nemo_restore_options* options,
                                                   nemo_session** session, nemo_error* err) {
  return guarded(context, err, [&] {
    return restore(context, options, session, [&]() -> Result<std::unique_ptr<DataSource>> {
      if (data == nullptr && size != 0) return null_argument("data");
      return memory_source("the saved session",
                           std::span(static_cast<const std::byte*>(data), data ? size : 0));
    });
  });
}
