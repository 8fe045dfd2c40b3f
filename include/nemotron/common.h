/** @file common.h
 *  @brief Part of nemotron.h: statuses and errors, the version, and what all other parts use. */
#ifndef NEMOTRON_COMMON_H
#define NEMOTRON_COMMON_H

#include <stddef.h>
#include <stdint.h>

#include <nemotron/version.h>

/** Marks what the shared library exports. */
#if defined(__GNUC__)
#define NEMO_API __attribute__((visibility("default")))
#else
#define NEMO_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** @defgroup status Status and errors
 *  @{ */

/** Outcome of a call: ::NEMO_OK or one of the negative NEMO_E_ codes. Numbers are pinned and never reused. */
typedef int32_t nemo_status;

/** The values of ::nemo_status: -1xx the caller's, -2xx a file's, -3xx resources, -4xx devices, -5xx states, -9xx ours. */
enum {
  NEMO_OK = 0,                         /**< Done. */
  NEMO_E_INVALID_ARGUMENT = -100,      /**< A NULL, a number out of range, a contradiction; the message says which. */
  NEMO_E_BUFFER_TOO_SMALL = -101,      /**< The length needed was reported; nothing else was written. */
  NEMO_E_STRUCT_SIZE = -102,           /**< `struct_size` is too small, or a newer struct asks for what we do not know. */
  NEMO_E_INVALID_TOKEN = -103,         /**< A token id outside [0, n_vocab). */
  NEMO_E_INVALID_UTF8 = -104,          /**< Text that must be UTF-8 is not. */
  NEMO_E_INVALID_JSON = -105,          /**< JSON from the caller (tools, tool calls) cannot be read. */
  NEMO_E_FILE_NOT_FOUND = -200,        /**< No such file or folder, or no model in it. */
  NEMO_E_FILE_READ = -201,             /**< The system refused to open or read the file. */
  NEMO_E_FILE_CHANGED = -202,          /**< The file became shorter while it was read. */
  NEMO_E_BAD_FILE = -203,              /**< Truncated or contradictory; `byte_offset` tells where. */
  NEMO_E_UNSUPPORTED_FORMAT = -204,    /**< Neither GGUF nor safetensors, or a variant that is not supported. */
  NEMO_E_UNSUPPORTED_ARCHITECTURE = -205, /**< Not a `nemotron_h` model, or with layers that are not supported. */
  NEMO_E_UNSUPPORTED_TYPE = -206,      /**< A tensor of an element type that is not supported. */
  NEMO_E_MISSING_TENSOR = -207,        /**< The configuration asks for a tensor that the file lacks. */
  NEMO_E_CONFIG_MISMATCH = -208,       /**< Configuration and tensors contradict each other. */
  NEMO_E_FILE_WRITE = -209,            /**< The system refused to create or write a file; a full disk, for one. */
  NEMO_E_MODEL_MISMATCH = -210,        /**< Saved with another model, other numeric options or another version. */
  NEMO_E_OUT_OF_MEMORY = -300,         /**< Memory could not be had; the object is unchanged. */
  NEMO_E_CONTEXT_FULL = -301,          /**< More tokens than the session may hold; the session is unchanged. */
  NEMO_E_OVER_BUDGET = -302,           /**< More than the context's byte cap allows; nothing was allocated. */
  NEMO_E_NO_DEVICE = -400,             /**< The instruction set level or device asked for is not there. */
  NEMO_E_DEVICE_LOST = -401,           /**< The device failed. Its context and sessions cannot go on; others can. */
  NEMO_E_BUSY = -500,                  /**< Another thread is using this session. */
  NEMO_E_STATE = -501,                 /**< Not possible now, such as a session on a context without weights. */
  NEMO_E_CANCELLED = -502,             /**< Cancelled by nemo_session_cancel() or by a callback. */
  NEMO_E_REENTRANT = -503,             /**< Called from inside a callback that may not call it. */
  NEMO_E_FORKED = -504,                /**< Called in a child of POSIX fork(), where the library cannot run. */
  NEMO_E_INTERNAL = -900               /**< A fault of the library; please report it. */
};

/** What went wrong, in words. Caller-owned, fixed size; pass its address as the last argument of any call. */
typedef struct nemo_error {
  uint32_t struct_size; /**< sizeof(nemo_error). */
  nemo_status code;     /**< The status that the call returned. */
  int64_t byte_offset;  /**< Where in the file the fault is, in bytes from its start; -1 where that means nothing. */
  char message[496];    /**< One sentence, null-terminated UTF-8, naming the file, tensor or argument. */
} nemo_error;

/** An empty ::nemo_error. */
#define NEMO_ERROR_INIT {sizeof(nemo_error), NEMO_OK, -1, {0}}

/** The name of a status, such as "NEMO_E_BAD_FILE".
 *  @return a static null-terminated string; "NEMO_E_UNKNOWN" for a number that is not a status.
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API const char *nemo_status_string(nemo_status status);

/** @} */
/** @defgroup version Version and build
 *  @{ */

/** The library's version as NEMO_VERSION_NUMBER counts it; compare with the macro you compiled with.
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API uint32_t nemo_version(void);

/** Describe the build and the processor: lines "key: value" with the version, the compiler, the instruction set levels
 *  built in, and the one that ::NEMO_ISA_AUTO chooses here. nemo_device_list() tells of GPUs.
 *  @param buffer    receives the text, no terminator; NULL with `capacity` 0 to ask for the length.
 *  @param capacity  size of `buffer` in bytes.
 *  @param length    receives the full length in bytes; may not be NULL.
 *  @param err       optional.
 *  @return NEMO_OK; NEMO_E_BUFFER_TOO_SMALL; NEMO_E_INVALID_ARGUMENT.
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API nemo_status nemo_build_info(char *buffer, size_t capacity, size_t *length, nemo_error *err);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
