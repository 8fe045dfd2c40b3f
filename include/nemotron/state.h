/** @file state.h
 *  @brief Part of nemotron.h: saving sessions and restoring them. */
#ifndef NEMOTRON_STATE_H
#define NEMOTRON_STATE_H

#include <stddef.h>
#include <stdint.h>

#include <nemotron/common.h>
#include <nemotron/context.h>
#include <nemotron/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @defgroup state Saving and restoring
 *  A session in one file, or in memory: its options, its tokens, and its state, which would take long to compute
 *  again. A restored session continues with the bytes of one that was never saved; at another instruction set level,
 *  within the bounds between levels. Sampling, stop strings and events are no part of it: the caller brings them with
 *  each request.
 *
 *  The state stands behind the last token. A chat template that rewrites its history (thoughts are cut, the last
 *  message is edited) goes back behind it, so the file also holds the latest states that the context kept along the
 *  tokens, such as those before the last two turns: a session restored in a fresh process computes only what follows.
 *  @{ */

/** Bits of nemo_save_options::flags. */
enum {
  NEMO_SAVE_NO_SNAPSHOTS = 1 /**< The session's own state alone. */
};

/** What to save. */
typedef struct nemo_save_options {
  uint32_t struct_size;   /**< sizeof(nemo_save_options). */
  uint32_t flags;         /**< NEMO_SAVE_ bits. */
  uint32_t max_snapshots; /**< Most kept states to save beside the session's own, each as large as
                               nemo_model_info::recurrent_state_bytes; 0: 2. At most 64. */
  uint32_t reserved;      /**< 0. */
} nemo_save_options;

/** Default ::nemo_save_options. */
#define NEMO_SAVE_OPTIONS_INIT {sizeof(nemo_save_options), 0, 0, 0}

/** Save a session to a file. The file appears under its name when it is whole and on the disk, replacing an older
 *  one: a crash, a kill or a full disk leaves the old file or the new one, never a part of either.
 *  @param session  a session without a running request.
 *  @param path     null-terminated UTF-8.
 *  @param options  NULL for defaults.
 *  @param err      optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT; NEMO_E_STRUCT_SIZE; NEMO_E_FILE_WRITE, a full disk for one; NEMO_E_STATE
 *          while a request runs; NEMO_E_OUT_OF_MEMORY; NEMO_E_BUSY; NEMO_E_REENTRANT. The session is unchanged.
 *  @note One thread per session; other sessions of the context run on meanwhile.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_save(nemo_session *session, const char *path, const nemo_save_options *options,
                                       nemo_error *err);

/** Save a session to memory: the same bytes as in a file.
 *  @param session   a session without a running request.
 *  @param options   NULL for defaults.
 *  @param buffer    receives the bytes; NULL with `capacity` 0 to ask for their number.
 *  @param capacity  size of `buffer` in bytes. Kept states for which it has no room are left out.
 *  @param size      receives the number of bytes; may not be NULL.
 *  @param err       optional.
 *  @return as nemo_session_save(), and NEMO_E_BUFFER_TOO_SMALL when not even the session's own state has room.
 *  @note As nemo_session_save().
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_save_memory(nemo_session *session, const nemo_save_options *options, void *buffer,
                                              size_t capacity, size_t *size, nemo_error *err);

/** Bits of nemo_restore_options::flags. */
enum {
  NEMO_RESTORE_TOKENS_ONLY = 1 /**< Leave the state out and compute it again with the next request. What was saved
                                    by another version of the library, or with another model that has the same
                                    vocabulary, can then be restored, too. */
};

/** How to restore. */
typedef struct nemo_restore_options {
  uint32_t struct_size; /**< sizeof(nemo_restore_options). */
  uint32_t flags;       /**< NEMO_RESTORE_ bits. */
  uint32_t max_tokens;  /**< Most tokens the session may hold; 0: as many as before. */
  uint32_t reserved;    /**< 0. */
} nemo_restore_options;

/** Default ::nemo_restore_options. */
#define NEMO_RESTORE_OPTIONS_INIT {sizeof(nemo_restore_options), 0, 0, 0}

/** Make a session of a file that nemo_session_save() wrote. Everything in the file is checked, and every byte of it
 *  by a checksum, before there is a session. The checksums find accidents; they do not tell who made the file.
 *  @param context  a context with weights, of the model with which the session was saved: the same tensors, the same
 *                  numeric flags. Instruction set level and number of threads may differ.
 *  @param path     null-terminated UTF-8.
 *  @param options  NULL for defaults.
 *  @param session  receives the session, to be freed with nemo_session_free(); NULL on failure.
 *  @param err      optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT; NEMO_E_STRUCT_SIZE; NEMO_E_STATE without weights; NEMO_E_FILE_NOT_FOUND,
 *          NEMO_E_FILE_READ, NEMO_E_FILE_CHANGED; NEMO_E_UNSUPPORTED_FORMAT for what is no saved session;
 *          NEMO_E_BAD_FILE for a damaged one; NEMO_E_MODEL_MISMATCH; NEMO_E_INVALID_TOKEN for tokens that another
 *          model lacks; NEMO_E_CONTEXT_FULL for more tokens than `max_tokens`; NEMO_E_OVER_BUDGET;
 *          NEMO_E_OUT_OF_MEMORY.
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_restore(nemo_context *context, const char *path, const nemo_restore_options *options,
                                          nemo_session **session, nemo_error *err);

/** The same from memory.
 *  @param context  as for nemo_session_restore().
 *  @param data     the bytes; borrowed until the call returns.
 *  @param size     their number.
 *  @param options  NULL for defaults.
 *  @param session  receives the session, to be freed with nemo_session_free(); NULL on failure.
 *  @param err      optional.
 *  @return as nemo_session_restore().
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_restore_memory(nemo_context *context, const void *data, size_t size,
                                                 const nemo_restore_options *options, nemo_session **session,
                                                 nemo_error *err);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
