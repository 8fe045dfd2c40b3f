/** @file session.h
 *  @brief Part of nemotron.h: one conversation on a model, its tokens and their logits. */
#ifndef NEMOTRON_SESSION_H
#define NEMOTRON_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include <nemotron/common.h>
#include <nemotron/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @defgroup session Session: one conversation
 *  @{ */

/** One conversation's position and state. Opaque. */
typedef struct nemo_session nemo_session;

/** Values of nemo_session_options::kv_type. */
enum {
  NEMO_KV_DEFAULT = 0, /**< NEMO_KV_BF16. */
  NEMO_KV_BF16 = 1,    /**< Keys and values rounded to bf16. */
  NEMO_KV_F32 = 2,     /**< Keys and values in f32: twice the memory, for comparing with a reference. */
  NEMO_KV_Q8 = 3       /**< Keys and values rounded to 8 bits, with one bf16 scale for 32 neighbouring elements of a
                            head: 17/32 of the memory of bf16. Needs a model whose `head_dim` is a multiple of 32. */
};

/** Values of nemo_session_options::snapshot_policy: which states a prompt leaves in the prefix cache. */
enum {
  NEMO_SNAPSHOT_TURNS = 0,     /**< Where the system's turn ends, and before the last two turns: enough for a reply that
                                    is edited, a question that is asked again, and a new chat with the same beginning. */
  NEMO_SNAPSHOT_ALL_TURNS = 1, /**< Before every turn. */
  NEMO_SNAPSHOT_NONE = 2       /**< None, but for nemo_session_keep() and `snapshot_every`. */
};

/** Values of nemo_session_options::state_type. */
enum {
  NEMO_STATE_DEFAULT = 0, /**< NEMO_STATE_F32. */
  NEMO_STATE_F32 = 1,     /**< The SSM state of the Mamba-2 layers in f32. */
  NEMO_STATE_BF16 = 2     /**< The SSM state rounded to bf16 after every token: half the memory of the state and
                               less to read per token, but logits drift from those of f32. ARCHITECTURE.md has
                               measurements. */
};

/** How to make a session. */
typedef struct nemo_session_options {
  uint32_t struct_size; /**< sizeof(nemo_session_options). */
  uint32_t max_tokens;  /**< Most tokens the session may hold; 0: the model's max_context. Larger than that is
                             NEMO_E_INVALID_ARGUMENT. Memory is taken as the session grows. */
  uint32_t kv_type;     /**< NEMO_KV_ value. One that the model's shape does not allow is
                             NEMO_E_INVALID_ARGUMENT. */
  uint32_t state_type;  /**< NEMO_STATE_ value. */
  int32_t priority;     /**< Requests of higher priority run first. */
  uint32_t snapshot_policy; /**< NEMO_SNAPSHOT_ value. */
  uint32_t snapshot_every; /**< Also keep the state every so many tokens; 0: do not. */
  uint32_t reserved2;   /**< 0. */
} nemo_session_options;

/** Default ::nemo_session_options. */
#define NEMO_SESSION_OPTIONS_INIT {sizeof(nemo_session_options), 0, 0, 0, 0, 0, 0, 0}

/** Make an empty session.
 *  @param context  a context with weights; kept alive by the session.
 *  @param options  NULL for defaults.
 *  @param session  receives the session, to be freed with nemo_session_free(); NULL on failure.
 *  @param err      optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT; NEMO_E_STRUCT_SIZE; NEMO_E_STATE without weights; NEMO_E_OUT_OF_MEMORY.
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_create(nemo_context *context, const nemo_session_options *options,
                                         nemo_session **session, nemo_error *err);

/** Free a session. NULL is fine. No other thread may be using it.
 *  @note Allowed in a callback of nemo_session_submit(), with which the context may lose its last reference: it then
 *  lives until the callback's pump or worker is done with it. Not in a callback of nemo_session_generate() on this
 *  session.
 *  @since 0.1 */
NEMO_API void nemo_session_free(nemo_session *session);

/** Forget everything: position 0, as newly made.
 *  @return NEMO_OK; NEMO_E_BUSY; NEMO_E_REENTRANT; NEMO_E_INVALID_ARGUMENT.
 *  @note One thread per session.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_reset(nemo_session *session, nemo_error *err);

/** How many tokens the session holds.
 *  @return 0 for NULL.
 *  @note Thread-safe; during a call on another thread it grows step by step.
 *  @since 0.1 */
NEMO_API uint64_t nemo_session_position(const nemo_session *session);

/** The tokens that the session holds, in order.
 *  @param session   a session.
 *  @param tokens    receives the ids; NULL with `capacity` 0 to ask for the number.
 *  @param capacity  size of `tokens` in ids.
 *  @param n_tokens  receives the full number of ids; may not be NULL.
 *  @param err       optional.
 *  @return NEMO_OK; NEMO_E_BUFFER_TOO_SMALL; NEMO_E_BUSY; NEMO_E_INVALID_ARGUMENT.
 *  @note One thread per session; allowed from its callback.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_tokens(nemo_session *session, int32_t *tokens, size_t capacity, size_t *n_tokens,
                                         nemo_error *err);

/** Run the model on `n_tokens` more tokens: the floor for those who sample themselves. Prompt and single tokens are
 *  the same call, and cutting a prompt into several calls changes no byte.
 *  @param session   a session.
 *  @param tokens    ids in [0, n_vocab).
 *  @param n_tokens  at least 1.
 *  @param logits    caller's buffer, or NULL (with `n_logits` 0) to skip the output head.
 *  @param n_logits  n_vocab: the logits after the last token; n_tokens * n_vocab: those after each token, row by row.
 *  @param err       optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT, NEMO_E_INVALID_TOKEN, NEMO_E_CONTEXT_FULL, NEMO_E_OUT_OF_MEMORY,
 *          NEMO_E_BUSY, NEMO_E_REENTRANT (session unchanged); NEMO_E_CANCELLED (the steps done stay: see
 *          nemo_session_position()).
 *  @note One thread per session; distinct sessions may run at the same time.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_eval(nemo_session *session, const int32_t *tokens, size_t n_tokens, float *logits,
                                       size_t n_logits, nemo_error *err);

/** Stop what the session is doing, from any thread. The running call returns with NEMO_E_CANCELLED (eval) or the
 *  request finishes with ::NEMO_FINISH_CANCELLED, within half a millisecond of the pumping thread's time. What was
 *  computed stays, and so do tokens whose computing has begun; it goes on with the next use of the session. Without a
 *  running request nothing happens. Idempotent.
 *  @param session     a session.
 *  @param request_id  0: the current request; else only if this is the one that runs.
 *  @param err         optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT.
 *  @note Thread-safe; allowed from callbacks. Not from a signal handler.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_cancel(nemo_session *session, uint64_t request_id, nemo_error *err);

/** Drop what comes behind a position. The state there is taken from the nearest snapshot before it; the tokens in
 *  between are computed again with the next request.
 *  @param session   a session at rest.
 *  @param position  0 to nemo_session_position().
 *  @param err       optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT; NEMO_E_STATE while a request runs; NEMO_E_BUSY; NEMO_E_REENTRANT.
 *  @note One thread per session.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_rewind(nemo_session *session, uint64_t position, nemo_error *err);

/** Make a second session that holds the same and goes its own way from here. Keys, values and recurrent state are
 *  shared until one of the two writes them. For trying several replies, or for computing a question before it is
 *  complete: then nemo_session_adopt() the fork, or free it.
 *  @param session  a session at rest.
 *  @param fork     receives the new session, with the same options; to be freed with nemo_session_free().
 *  @param err      optional.
 *  @return NEMO_OK; NEMO_E_OUT_OF_MEMORY; NEMO_E_STATE while a request runs; NEMO_E_BUSY; NEMO_E_REENTRANT;
 *          NEMO_E_INVALID_ARGUMENT.
 *  @note One thread per session.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_fork(nemo_session *session, nemo_session **fork, nemo_error *err);

/** Take over what another session holds, which is empty afterwards.
 *  @param session  a session at rest.
 *  @param from     another session at rest, of the same context and with the same kv_type.
 *  @param err      optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT; NEMO_E_STATE while a request of either runs; NEMO_E_BUSY;
 *          NEMO_E_REENTRANT; NEMO_E_CONTEXT_FULL when it is more than `session` may hold.
 *  @note One thread per session.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_adopt(nemo_session *session, nemo_session *from, nemo_error *err);

/** Keep the state here in the prefix cache, as the prompt's turns are by themselves.
 *  @param session  a session at rest.
 *  @param err      optional.
 *  @return NEMO_OK; NEMO_E_OUT_OF_MEMORY; NEMO_E_STATE while a request runs; NEMO_E_BUSY; NEMO_E_REENTRANT;
 *          NEMO_E_INVALID_ARGUMENT.
 *  @note One thread per session. The cache may forget it again to stay within its bytes.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_keep(nemo_session *session, nemo_error *err);

/** What a session holds. */
typedef struct nemo_session_stats {
  uint32_t struct_size;      /**< sizeof(nemo_session_stats). */
  uint32_t is_running;       /**< 1 while a request is on the session. */
  uint64_t n_tokens;         /**< As nemo_session_position(). */
  uint64_t n_computed_tokens; /**< Of these, how many the state covers; the next request computes the rest. */
  uint64_t kv_bytes;         /**< Keys and values, those shared with others included. */
  uint64_t recurrent_bytes;  /**< Recurrent state; 0 before the first token and while it is given up. */
} nemo_session_stats;

/** An empty ::nemo_session_stats. */
#define NEMO_SESSION_STATS_INIT {sizeof(nemo_session_stats), 0, 0, 0, 0, 0}

/** Tell what a session holds.
 *  @param session  a session.
 *  @param stats    receives the numbers; `struct_size` must be set.
 *  @param err      optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT; NEMO_E_STRUCT_SIZE.
 *  @note Thread-safe; allowed from callbacks.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_get_stats(const nemo_session *session, nemo_session_stats *stats, nemo_error *err);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
