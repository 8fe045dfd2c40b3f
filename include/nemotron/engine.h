/** @file engine.h
 *  @brief Part of nemotron.h: requests, the pump that moves them forward, their events, and what steps take. */
#ifndef NEMOTRON_ENGINE_H
#define NEMOTRON_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include <nemotron/common.h>
#include <nemotron/context.h>
#include <nemotron/generate.h>
#include <nemotron/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @defgroup engine Request, pump, events
 *  @{ */

/** What a request has to tell. */
typedef struct nemo_event {
  uint32_t struct_size;    /**< sizeof(nemo_event). */
  uint32_t type;           /**< NEMO_EVENT_ value. */
  uint64_t request_id;     /**< Of the request that it belongs to. */
  int32_t token;           /**< TEXT, REASONING, TOOL_CALL: the token just sampled; -1 for what was held back and comes at
                                the end, and for what follows the first event of a token. */
  nemo_status status;      /**< ERROR: why. */
  const char *text;        /**< TEXT, REASONING: whole UTF-8 characters; TOOL_CALL: the arguments, a JSON object; ERROR: the
                                sentence. Not terminated. Belongs to the session and lives until the next poll or wait on
                                it; in a callback, until that returns. */
  uint64_t text_size;      /**< In bytes. */
  uint32_t finish_reason;  /**< FINISH: NEMO_FINISH_ value. */
  uint32_t reserved;       /**< 0. */
  uint64_t n_prompt_tokens;    /**< FINISH, ERROR: tokens of the prompt that were to be computed. */
  uint64_t n_reused_tokens;    /**< FINISH, ERROR: tokens of a whole prompt that were found computed. */
  uint64_t n_generated_tokens; /**< FINISH, ERROR: tokens sampled, a stop token included. */
  uint64_t prefill_us;     /**< FINISH, ERROR: microseconds from submit to the first token. */
  uint64_t decode_us;      /**< FINISH, ERROR: microseconds from there to the end. */
  const char *name;        /**< TOOL_CALL: the tool's name. As `text`, not terminated. */
  uint64_t name_size;      /**< In bytes. */
} nemo_event;

/** An empty ::nemo_event. */
#define NEMO_EVENT_INIT {sizeof(nemo_event), 0, 0, -1, 0, NULL, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0}

/** Receives events on the thread that pumps. It may submit and cancel, on any session, and free sessions; functions that
 *  pump return NEMO_E_REENTRANT.
 *  @return 0 to go on; anything else ends the request with NEMO_FINISH_CANCELLED. */
typedef int32_t (*nemo_event_callback)(const nemo_event *event, void *user);

/** What to put on a session. */
typedef struct nemo_request {
  uint32_t struct_size;  /**< sizeof(nemo_request). */
  uint32_t reserved;     /**< 0. */
  const int32_t *prompt; /**< Ids in [0, n_vocab); copied. */
  uint64_t n_prompt;     /**< At least 1. */
  const nemo_generate_options *options; /**< NULL for defaults; copied. */
  nemo_event_callback on_event; /**< NULL: events wait to be fetched. When 64 KiB of them wait, the session is not run. */
  void *user;            /**< Passed to `on_event`. */
} nemo_request;

/** An empty ::nemo_request. */
#define NEMO_REQUEST_INIT {sizeof(nemo_request), 0, NULL, 0, NULL, NULL, NULL}

/** Put a request on a session and return at once. The reply comes as events when somebody pumps.
 *  @param session     a session on a context with a tokenizer, without a running request.
 *  @param request     what to do.
 *  @param request_id  optional; receives the request's number, which counts up from 1 in each session.
 *  @param err         optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT, NEMO_E_INVALID_TOKEN, NEMO_E_INVALID_JSON, NEMO_E_STRUCT_SIZE,
 *          NEMO_E_CONTEXT_FULL, NEMO_E_OUT_OF_MEMORY, NEMO_E_BUSY; NEMO_E_STATE without a tokenizer or while a request runs: nothing was put
 *          on the session. What memory does not suffice for later comes as NEMO_EVENT_ERROR.
 *  @note One thread per session; allowed from callbacks, after the finish event for the same session.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_submit(nemo_session *session, const nemo_request *request, uint64_t *request_id,
                                         nemo_error *err);

/** Fetch the next event, if there is one.
 *  @param session  a session.
 *  @param event    receives it, or type NEMO_EVENT_NONE; `struct_size` must be set.
 *  @param err      optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT; NEMO_E_STRUCT_SIZE; NEMO_E_BUSY.
 *  @note One thread per session. Never waits for the model.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_poll(nemo_session *session, nemo_event *event, nemo_error *err);

/** Fetch the next event, waiting for it. Pumps if nobody else does.
 *  @param session     a session.
 *  @param timeout_us  most microseconds to wait; UINT64_MAX: as long as it takes.
 *  @param event       receives it; type NEMO_EVENT_NONE when the time is over or no request runs.
 *  @param err         optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT; NEMO_E_STRUCT_SIZE; NEMO_E_BUSY; NEMO_E_REENTRANT.
 *  @note One thread per session.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_wait(nemo_session *session, uint64_t timeout_us, nemo_event *event, nemo_error *err);

/** Cut the last reply to what was heard: of its tokens the session keeps those whose text lies within the first
 *  `n_text_bytes` of the TEXT that was delivered, as if the rest had never been said. For a voice assistant that was
 *  interrupted. Thoughts count nothing, so those before the answer stay. With all of the text, or more, nothing
 *  changes. The session is then as after nemo_session_rewind(); it can be cut again, shorter.
 *  @param session       a session at rest whose last request generated, and that was not moved or extended since. A fork
 *                       of it, and who adopts it, can be cut too.
 *  @param n_text_bytes  how much was heard; a character or a token of which less than all was heard goes.
 *  @param err           optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT; NEMO_E_STATE while a request runs or when there is no reply to cut;
 *          NEMO_E_BUSY; NEMO_E_REENTRANT.
 *  @note One thread per session.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_truncate_reply(nemo_session *session, uint64_t n_text_bytes, nemo_error *err);

/** How a pump went. */
typedef struct nemo_pump_result {
  uint32_t struct_size; /**< sizeof(nemo_pump_result). */
  uint32_t has_more;    /**< 1 if there is more to run; 0 if all requests are over or wait for their events to be fetched. */
  uint64_t elapsed_us;  /**< Microseconds spent. */
} nemo_pump_result;

/** An empty ::nemo_pump_result. */
#define NEMO_PUMP_RESULT_INIT {sizeof(nemo_pump_result), 0, 0}

/** Move the requests of all sessions forward: sessions that generate, a token each, then prompts, in steps that all share.
 *  Work is cut into slices of at most half a millisecond; a step that the budget does not suffice for is suspended and
 *  goes on in the next pump, with the same result to the byte.
 *  @param context  a context with weights.
 *  @param max_us   the budget in microseconds; 0: until there is nothing left to run.
 *  @param result   optional; `struct_size` must be set.
 *  @param err      optional.
 *  @return NEMO_OK; NEMO_E_BUSY while another thread pumps; NEMO_E_STATE with a worker or without weights;
 *          NEMO_E_REENTRANT; NEMO_E_STRUCT_SIZE; NEMO_E_INVALID_ARGUMENT.
 *  @note One thread at a time.
 *  @since 0.1 */
NEMO_API nemo_status nemo_context_pump(nemo_context *context, uint64_t max_us, nemo_pump_result *result, nemo_error *err);

/** What a context has done and holds. */
typedef struct nemo_context_stats {
  uint32_t struct_size;       /**< sizeof(nemo_context_stats). */
  uint32_t n_sessions;        /**< Sessions that exist. */
  uint32_t n_running;         /**< Of these, with a request. */
  uint32_t n_snapshots;       /**< States in the prefix cache. */
  uint64_t n_steps;           /**< Steps run. */
  uint64_t n_prefill_tokens;  /**< Tokens computed, several of a session in a step. */
  uint64_t n_decode_tokens;   /**< Tokens computed, one of a session in a step. */
  uint64_t used_bytes;        /**< Memory in use: weights, scratch, states, snapshots. */
  uint64_t peak_bytes;        /**< The most it ever was. */
  uint64_t state_bytes;       /**< Of it, states of sessions and snapshots. */
  uint64_t snapshot_bytes;    /**< Of these, what the prefix cache holds, shared or not. */
  uint64_t n_cache_hits;      /**< Look-ups in the prefix cache that found a state. */
  uint64_t n_cache_misses;    /**< Those that did not. */
  uint64_t n_reused_tokens;   /**< Tokens that these hits saved from being computed. */
  uint64_t n_evictions;       /**< States that the prefix cache gave up for others. */
  uint64_t n_parked;          /**< Idle sessions that gave up their state to stay under the cap. */
  uint64_t offload_bytes;     /**< States of a GPU that lie in the host's memory, beside `state_bytes`. */
} nemo_context_stats;

/** An empty ::nemo_context_stats. */
#define NEMO_CONTEXT_STATS_INIT {sizeof(nemo_context_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

/** Tell what a context has done and holds.
 *  @param context  a context.
 *  @param stats    receives the numbers; `struct_size` must be set. Zeros without weights.
 *  @param err      optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT; NEMO_E_STRUCT_SIZE.
 *  @note Thread-safe; allowed from callbacks.
 *  @since 0.1 */
NEMO_API nemo_status nemo_context_get_stats(const nemo_context *context, nemo_context_stats *stats, nemo_error *err);

/** Of which arithmetic an operation's multiplications are; nemo_operation_stats::arithmetic. */
enum {
  NEMO_ARITHMETIC_F32 = 0,  /**< 32-bit floats. */
  NEMO_ARITHMETIC_BF16 = 1, /**< bfloat16, or FP8 where a GPU multiplies it, summed in 32-bit floats. */
  NEMO_ARITHMETIC_INT8 = 2  /**< 8-bit integers, summed in 32 bits within a block of weights. */
};

/** What the operations of one kind took. */
typedef struct nemo_operation_stats {
  uint32_t struct_size;  /**< sizeof(nemo_operation_stats). */
  uint32_t arithmetic;   /**< NEMO_ARITHMETIC_. */
  char name[32];         /**< Kind, and type of what is read, as in `linear Q5_0`; NUL-terminated. For people: names
                              may change. */
  uint64_t n_runs;       /**< Times that it ran, once for all rows of a step. */
  uint64_t elapsed_ns;   /**< From beginning to end, all threads working together. */
  uint64_t n_bytes;      /**< Weights and states read, states written. */
  uint64_t n_operations; /**< Multiplications and additions; 0 where they do not matter. */
} nemo_operation_stats;

/** An empty ::nemo_operation_stats. */
#define NEMO_OPERATION_STATS_INIT {sizeof(nemo_operation_stats), 0, {0}, 0, 0, 0, 0}

/** Measure what each kind of operation takes, beginning at zero, or stop measuring. It costs two readings of the clock
 *  an operation; on a CUDA device two events, and steps are launched operation by operation, not as one graph.
 *  @param context  a context.
 *  @param enabled  0 or 1.
 *  @param err      optional.
 *  @return NEMO_OK; NEMO_E_STATE without weights; NEMO_E_INVALID_ARGUMENT.
 *  @note Thread-safe; allowed from callbacks.
 *  @since 0.1 */
NEMO_API nemo_status nemo_context_set_profiling(nemo_context *context, int32_t enabled, nemo_error *err);

/** Tell what was measured since nemo_context_set_profiling(), by kind of operation.
 *  @param context       a context.
 *  @param operations    array of `capacity` structs, `stride_bytes` apart, each with its `struct_size` set; NULL with
 *                       `capacity` 0 to ask for their number.
 *  @param capacity      number of structs; with too few, the call fails and tells how many there are.
 *  @param stride_bytes  sizeof(nemo_operation_stats) as you compiled it.
 *  @param n_operations  receives how many there are: 0 where nothing was measured; may not be NULL.
 *  @param err           optional.
 *  @return NEMO_OK; NEMO_E_BUFFER_TOO_SMALL; NEMO_E_STATE without weights; NEMO_E_STRUCT_SIZE;
 *          NEMO_E_INVALID_ARGUMENT.
 *  @note Thread-safe; allowed from callbacks. While operations run, figures of one kind may be of different moments.
 *  @since 0.1 */
NEMO_API nemo_status nemo_context_get_profile(const nemo_context *context, nemo_operation_stats *operations,
                                              size_t capacity, size_t stride_bytes, size_t *n_operations,
                                              nemo_error *err);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
