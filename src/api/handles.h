// What the opaque handles of the ABI are.
#pragma once

#include <nemotron/nemotron.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "api/guard.h"
#include "api/logger.h"
#include "chat/chat_format.h"
#include "engine/engine.h"
#include "quant/tensor_table.h"
#include "session/session.h"
#include "threading/process_mark.h"
#include "threading/thread_pool.h"
#include "tokenizer/tokenizer.h"

struct nemo_context {
  nemotron::ProcessMark home;
  std::atomic<std::int64_t> n_references{1};
  nemotron::ModelConfig config;
  nemotron::TensorTable tensors;
  std::string layer_pattern;
  std::string format_name;
  std::optional<nemotron::Tokenizer> tokenizer;
  nemotron::ChatFormat chat_format = nemotron::ChatFormat::nemotron3;
  std::vector<std::int32_t> turn_starts;          // ids that begin a turn of the chat format
  std::shared_ptr<nemotron::ThreadPool> threads;  // null without weights, and on a GPU
  std::shared_ptr<nemotron::Engine> engine;
  nemotron::api::Logger logger;
};

struct nemo_session {
  nemo_context* context = nullptr;  // one reference
  std::unique_ptr<nemotron::Session> session;
  std::atomic<bool> is_busy{false};
  std::atomic<std::thread::id> callback_thread{};  // while a callback runs
};

namespace nemotron::api {

// Whether this is a child of fork(), where the object is a copy without its threads, and its locks
// may be held for ever: nothing of it may be touched.
inline bool is_forked(const nemo_context& context) { return context.home.is_forked_child(); }
inline bool is_forked(const nemo_session& session) { return is_forked(*session.context); }

// guarded() for functions on a handle; NULL is for the body to refuse.
template <typename Handle, typename Body>
nemo_status guarded(const Handle* handle, nemo_error* err, Body&& body) noexcept {
  if (handle != nullptr && is_forked(*handle))
    return report(StatusCode::kForked, "the object was made before fork()", err);
  return guarded(err, std::forward<Body>(body));
}

// One call's exclusive use of a session. `status()` is kBusy while another thread has it, and
// kReentrant inside the session's own callback.
class SessionLock {
 public:
  explicit SessionLock(nemo_session& session);
  ~SessionLock();
  SessionLock(const SessionLock&) = delete;
  SessionLock& operator=(const SessionLock&) = delete;

  Status status() const;
  // Reading is allowed inside the session's own callback, too.
  Status read_status() const;

 private:
  nemo_session& session_;
  bool is_owner_;
  bool is_in_callback_ = false;
};

}  // namespace nemotron::api
