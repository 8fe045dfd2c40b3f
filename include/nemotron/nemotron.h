/** @file nemotron.h
 *  @brief The whole C ABI of libnemotron: NVIDIA Nemotron 3 Nano and its `nemotron_h` relatives, inside your program.
 *
 *  **Objects.** A ::nemo_context is a loaded model with its threads. A ::nemo_session is one conversation on it:
 *  how many tokens it holds, their attention keys and values, and the recurrent state of the Mamba-2 layers.
 *
 *  **Request, pump, events.** nemo_session_submit() puts a request on a session. Whoever calls nemo_context_pump(), with
 *  a budget of time, moves the requests of all sessions forward together; or a thread of the context's own does
 *  (nemo_context_options::worker). What comes out is fetched by nemo_session_poll() or nemo_session_wait(), or handed
 *  to a callback. nemo_session_generate() and nemo_session_eval() are the blocking forms: they pump if nobody else does.
 *
 *  **Lifetimes.** Contexts are reference counted and a session keeps its context alive, so objects may be freed in
 *  any order. Every `_free` accepts NULL.
 *
 *  **Threads.** Sessions of one context may be used from different threads; their steps then run together.
 *
 *  | function | who may call it, and what a second caller gets |
 *  |---|---|
 *  | on a context, but for pump and free | any thread, at any time |
 *  | nemo_context_pump() | one thread at a time, else NEMO_E_BUSY; with a worker NEMO_E_STATE |
 *  | nemo_session_cancel(), nemo_session_position(), nemo_session_get_stats() | any thread, at any time, callbacks included |
 *  | nemo_session_submit(), nemo_session_tokens(), nemo_session_poll() | one thread per session, else NEMO_E_BUSY; callbacks included |
 *  | the other functions on a session | one thread per session, else NEMO_E_BUSY; in a callback NEMO_E_REENTRANT; while a request of the session runs NEMO_E_STATE |
 *  | nemo_session_free(), nemo_context_free() | no other thread may be using the object; a session may be freed while its request runs |
 *  | anything on an object from before POSIX fork(), in the child | NEMO_E_FORKED; `_free` does nothing |
 *
 *  **Errors.** Every function that can fail returns a ::nemo_status and takes, last, an optional ::nemo_error that
 *  receives the code and a sentence. A call that fails or is cancelled leaves its object at its last committed
 *  token. The library never aborts, exits, prints, raises a signal or lets an exception out, and has no global state.
 *
 *  **Structs.** Each struct begins with `struct_size`: set it with the matching `NEMO_..._INIT` (which zeroes the
 *  rest) or by hand to `sizeof`. Zero in any other member means "the default". Structs grow only at their end: an
 *  older library accepts a newer, larger struct as long as what it does not know is zero, and says
 *  ::NEMO_E_STRUCT_SIZE otherwise; of an output struct it writes only as much as both sides know.
 *
 *  **Text** is UTF-8, pointer and length, never null-terminated unless it says so. A function that returns text or
 *  token ids into a caller's buffer always reports the full length; with a buffer too small it returns
 *  ::NEMO_E_BUFFER_TOO_SMALL and writes nothing else, so a first call with NULL and 0 asks for the length.
 *
 *  **Determinism.** On the CPU the logits after a token are a pure function of the model file, the numeric options,
 *  the library version, the instruction set level and the tokens so far. The number of threads, the way in which a
 *  prompt was cut, the sessions that ran at the same time, forks, rewinds, cached prefixes and cancels do not change a
 *  byte; sampling adds only the seed and the position.
 *
 *  @code{.c}
 *  nemo_context *context = NULL;
 *  nemo_session *session = NULL;
 *  nemo_error error = NEMO_ERROR_INIT;
 *  int32_t prompt[512];
 *  size_t n_prompt = 0;
 *  nemo_chat_message message = NEMO_CHAT_MESSAGE_INIT;
 *  nemo_generate_options options = NEMO_GENERATE_OPTIONS_INIT;
 *
 *  message.role = "user";
 *  message.content = "Hello";
 *  message.content_size = 5;
 *  options.on_event = print_event;   // your function: receives the text as it is made
 *  if (nemo_context_load("model.gguf", NULL, &context, &error) != NEMO_OK ||
 *      nemo_session_create(context, NULL, &session, &error) != NEMO_OK ||
 *      nemo_chat_tokenize(context, &message, 1, sizeof message, NULL, prompt, 512, &n_prompt, &error) != NEMO_OK ||
 *      nemo_session_generate(session, prompt, n_prompt, &options, NULL, &error) != NEMO_OK)
 *    fprintf(stderr, "%s\n", error.message);
 *  nemo_session_free(session);
 *  nemo_context_free(context);
 *  @endcode
 */
#ifndef NEMOTRON_H
#define NEMOTRON_H

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
/** @defgroup context Context: a loaded model
 *  @{ */

/** A loaded model with its thread pool. Opaque, reference counted. */
typedef struct nemo_context nemo_context;

/** Levels of ::nemo_log_callback. */
enum {
  NEMO_LOG_ERROR = 1,   /**< Something failed that no status reports. */
  NEMO_LOG_WARNING = 2, /**< Works, but probably not as meant. */
  NEMO_LOG_INFO = 3,    /**< What was loaded and chosen. */
  NEMO_LOG_DEBUG = 4    /**< For developers. */
};

/** Receives the library's log lines. The text is not terminated and lives only during the call.
 *  Called on the thread that called the library; no function of the library may be called from it. */
typedef void (*nemo_log_callback)(int32_t level, const char *text, size_t size, void *user);

/** Told how far loading is, at least every 64 MiB. Called on the loading thread; no function of the library may be
 *  called from it.
 *  @return 0 to go on; anything else cancels the load, which then returns NEMO_E_CANCELLED. */
typedef int32_t (*nemo_progress_callback)(uint64_t done_bytes, uint64_t total_bytes, void *user);

/** Values of nemo_context_options::isa. */
enum {
  NEMO_ISA_AUTO = 0, /**< The best that this processor and the build have. */
  NEMO_ISA_REF = 1,  /**< The readable reference, on any processor: slow, the truth for tests. */
  NEMO_ISA_AVX2 = 2, /**< x86-64 with AVX2 and FMA; activations stay f32. */
  NEMO_ISA_AVX512 = 3 /**< x86-64 with AVX-512 F, BW, DQ, VL, VNNI, BF16 and VBMI (Zen 4, Sapphire Rapids and later).
                           Activations are rounded to int8 per 32 columns before they meet quantized weights, and to
                           bf16 before they meet BF16 weights. */
};

/** Values of nemo_context_options::device and nemo_device_info::kind. */
enum {
  NEMO_DEVICE_CPU = 0,  /**< This machine's processors. */
  NEMO_DEVICE_AUTO = 1, /**< The CUDA device, where it is usable, else the CPU; the log says which and why. */
  NEMO_DEVICE_CUDA = 2  /**< An NVIDIA GPU, or NEMO_E_NO_DEVICE with the reason. Weights, states, keys and values are in
                             its memory, which nemo_context_options::max_bytes caps. **Experimental:** its kernels are
                             plain ones, compiled, and run by the tests' simulation of threads on the CPU; they have
                             not yet run on a device. */
};

/** Bits of nemo_context_options::flags. */
enum {
  NEMO_LOAD_NO_WEIGHTS = 1,     /**< Check the whole file, load vocabulary and configuration, but no weights: for
                                     inspecting and tokenizing. Sessions cannot be created. */
  NEMO_LOAD_FP8_WEIGHT_ONLY = 2, /**< Static FP8 checkpoints: use the weights' scales alone and leave the inputs of
                                     their products as they are. Without it the inputs are rounded to FP8 with the
                                     checkpoint's input scales, as the reference does. Numeric: changes logits. */
  NEMO_LOAD_MAPPED = 4          /**< Leave the matrices where they are and map the model's files, read-only, instead of
                                     copying them: processes and contexts that map the same file have it in memory
                                     once. Same logits to the byte; products take longer, since weights are brought
                                     into order each time (see README, "Mapped weights"). **You vouch for the files**:
                                     as long as the context lives nobody may cut them short or write into them, or the
                                     process gets SIGBUS, or other logits, at whatever call reads that page. Replacing
                                     a file under its name (rename) is harmless, and so is deleting it. What changes
                                     until the load returns is NEMO_E_FILE_CHANGED, on Linux 5.14 or later without a
                                     signal. The pages are the system's cache of the file: under pressure it drops them
                                     and reads them again, which takes as long as the disk takes, whatever the budget of
                                     nemo_context_pump(). On a GPU weights are copied all the same. */
};

/** A host's allocator for all large memory of a context: weights that are not mapped (and room for reading them),
 *  working memory of steps, recurrent states, keys and values. It is asked for whole buffers, never while a reply is made
 *  within 64 tokens of the last one it was asked for. What is small or of the size of a file's header comes from operator
 *  new: handles, token ids, the vocabulary, requests and their events. Both functions are called on any thread of the
 *  library or the host, and may call no function of the library. They and `user` must live as long as the context. */
typedef struct nemo_allocator {
  uint32_t struct_size; /**< sizeof(nemo_allocator). */
  uint32_t reserved;    /**< 0. */
  /** Memory of `size` bytes (at least 1), aligned to `alignment` (64); its contents do not matter. NULL when there is
   *  none: the call that needed it tries with less, or returns NEMO_E_OUT_OF_MEMORY. */
  void *(*allocate)(size_t size, size_t alignment, void *user);
  /** Takes back what `allocate` gave, with the same size and alignment. */
  void (*release)(void *memory, size_t size, size_t alignment, void *user);
  void *user; /**< Passed to both. */
} nemo_allocator;

/** An empty ::nemo_allocator. */
#define NEMO_ALLOCATOR_INIT {sizeof(nemo_allocator), 0, NULL, NULL, NULL}

/** One piece of work of a ::nemo_parallel_for. */
typedef void (*nemo_job)(void *arg, uint32_t index);

/** A host's job system: call `job(arg, i)` once for each i below `n_jobs`, on any threads and in any order, and return
 *  when all have returned. Jobs do not wait for each other. No function of the library may be called from it. */
typedef void (*nemo_parallel_for)(nemo_job job, void *arg, uint32_t n_jobs, void *user);

/** How to load. Zero everywhere is a good choice. */
typedef struct nemo_context_options {
  uint32_t struct_size;            /**< sizeof(nemo_context_options). */
  uint32_t flags;                  /**< NEMO_LOAD_ bits. */
  uint32_t n_threads;              /**< Threads that compute, the calling one included; 0: one per usable core. At most 256. */
  uint32_t isa;                    /**< NEMO_ISA_ value. Asking for what the processor lacks is NEMO_E_NO_DEVICE. */
  uint32_t max_step_rows;          /**< Most prompt tokens computed in one step; 0: 64. At most 4096. It bounds scratch
                                        memory and how long a cancel waits; it never changes a result. */
  uint32_t log_level;              /**< The most detailed NEMO_LOG_ level delivered; 0: NEMO_LOG_INFO. */
  nemo_log_callback on_log;        /**< NULL: no log. */
  void *log_user;                  /**< Passed to `on_log`. */
  nemo_progress_callback on_progress; /**< NULL: no progress. Used only during the load. */
  void *progress_user;             /**< Passed to `on_progress`. */
  uint32_t worker;                 /**< 1: a thread of the context's own pumps whenever there is something to run. */
  uint32_t max_running;            /**< Most sessions whose requests are in work at the same time; others wait. 0: 64. */
  uint64_t max_bytes;              /**< Cap on weights, scratch, states and snapshots together; 0: none. Mapped files do
                                        not count: they are the system's cache. Over it,
                                        snapshots go first, then the states of idle sessions (their tokens stay and are
                                        computed again on the next use); what still does not fit is NEMO_E_OVER_BUDGET.
                                        Too little for the weights and scratch is known before they are read. */
  uint64_t snapshot_bytes;         /**< Most bytes that the prefix cache holds; 0: 512 MiB; NEMO_NO_SNAPSHOTS: none. */
  const nemo_allocator *allocator; /**< NULL: the system's pages. The struct is copied. */
  nemo_parallel_for parallel_for;  /**< Computes on a host's threads, in up to `n_threads` jobs at once; NULL: on threads
                                        of the context's own. */
  void *parallel_user;             /**< Passed to `parallel_for`. */
  nemo_context *share_threads;     /**< A context with weights, on whose threads this one computes, too, in turns with it;
                                        `n_threads` is then that context's. Not with `parallel_for`. The threads live
                                        until the last of these contexts is freed. */
  uint32_t device;                 /**< NEMO_DEVICE_ value: where the model is and computes. */
  uint32_t device_index;           /**< nemo_device_info::index among the devices of that kind. */
  const char *cuda_module;         /**< Path of libnemotron-cuda.so; NULL: beside this library. */
  void *cuda_context;              /**< A CUcontext of yours on that device, which must outlive the context: all memory and
                                        work is in it. NULL: the device's primary context. Either is current only
                                        during our calls. */
} nemo_context_options;

/** nemo_context_options::snapshot_bytes: no prefix cache. */
#define NEMO_NO_SNAPSHOTS UINT64_MAX

/** Default ::nemo_context_options. */
#define NEMO_CONTEXT_OPTIONS_INIT \
  {sizeof(nemo_context_options), 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, 0, 0, 0, 0, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL}

/** Load a model.
 *  @param path     null-terminated UTF-8: a `.gguf` file, a `.safetensors` file with its `config.json` and
 *                  `tokenizer.json` beside it, or a folder holding either. Recognised by content, not by name.
 *  @param options  NULL for defaults. Not used after the call, but for `on_log`, the functions of `allocator`,
 *                  `parallel_for`, and their `user` pointers.
 *  @param context  receives the context, to be freed with nemo_context_free(); NULL on failure.
 *  @param err      optional.
 *  @return NEMO_OK; any -1xx, -2xx; NEMO_E_OUT_OF_MEMORY; NEMO_E_OVER_BUDGET; NEMO_E_NO_DEVICE; NEMO_E_CANCELLED.
 *  @note Thread-safe. The file is read, not mapped, and not needed afterwards, unless NEMO_LOAD_MAPPED asks for it; then
 *        NEMO_E_FILE_READ also means a file system that cannot map.
 *  @since 0.1 */
NEMO_API nemo_status nemo_context_load(const char *path, const nemo_context_options *options, nemo_context **context,
                                       nemo_error *err);

/** A device that a context can compute on, or could if it were usable. */
typedef struct nemo_device_info {
  uint32_t struct_size;        /**< sizeof(nemo_device_info). */
  uint32_t kind;               /**< NEMO_DEVICE_CPU or NEMO_DEVICE_CUDA. */
  uint32_t index;              /**< Among those of its kind, as CUDA counts. */
  uint32_t is_usable;          /**< 1, or 0 with a `reason`. */
  uint32_t n_processors;       /**< Processors that this process may use; a GPU's multiprocessors. */
  uint32_t compute_capability; /**< Of a GPU: 90 for 9.0. */
  uint64_t total_bytes;        /**< Of a GPU's memory. */
  char name[128];              /**< Null-terminated; empty in the entry that says why there is no GPU. */
  char reason[384];            /**< Why it is not usable, null-terminated: no driver, no module, too old. */
} nemo_device_info;

/** An empty ::nemo_device_info. */
#define NEMO_DEVICE_INFO_INIT {sizeof(nemo_device_info), 0, 0, 0, 0, 0, 0, {0}, {0}}

/** List the CPU, then the CUDA devices; where there are none, one entry that says why. Starts the NVIDIA driver if there
 *  is one, but makes no context on a device.
 *  @param cuda_module   path of libnemotron-cuda.so; NULL: beside this library.
 *  @param devices       array of `capacity` structs, `stride_bytes` apart, each with its `struct_size` set; NULL with
 *                       `capacity` 0 to ask for their number.
 *  @param capacity      number of structs; with too few, the call fails and tells how many there are.
 *  @param stride_bytes  sizeof(nemo_device_info) as you compiled it.
 *  @param n_devices     receives the number of devices; may not be NULL.
 *  @param err           optional.
 *  @return NEMO_OK; NEMO_E_BUFFER_TOO_SMALL; NEMO_E_INVALID_ARGUMENT; NEMO_E_STRUCT_SIZE; NEMO_E_OUT_OF_MEMORY.
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API nemo_status nemo_device_list(const char *cuda_module, nemo_device_info *devices, size_t capacity,
                                      size_t stride_bytes, size_t *n_devices, nemo_error *err);

/** Told what nemo_device_selftest() found of one operation. Called on the calling thread; no function of the library may
 *  be called from it.
 *  @param operation  what was compared, null-terminated: "attention q8".
 *  @param error      root mean square of the difference from the CPU, relative to that of the CPU's result.
 *  @param bound      the largest `error` that is right.
 *  @param is_good    1 if it is.
 *  @param user       as passed to nemo_device_selftest().
 *  @return 0 to go on; anything else ends the test with NEMO_E_CANCELLED. */
typedef int32_t (*nemo_selftest_callback)(const char *operation, double error, double bound, int32_t is_good, void *user);

/** Compare every operation of a CUDA device with the CPU's reference, on random inputs.
 *  @param cuda_module   path of libnemotron-cuda.so; NULL: beside this library.
 *  @param device_index  nemo_device_info::index.
 *  @param callback      told of each operation; NULL: only the outcome counts.
 *  @param user          passed to `callback`.
 *  @param err           optional; says how many operations are wrong.
 *  @return NEMO_OK if all are right; NEMO_E_INTERNAL if some are not; NEMO_E_NO_DEVICE; NEMO_E_DEVICE_LOST;
 *          NEMO_E_OUT_OF_MEMORY; NEMO_E_CANCELLED.
 *  @note Thread-safe. Takes some 70 MiB of the device's memory, and a second or two.
 *  @since 0.1 */
NEMO_API nemo_status nemo_device_selftest(const char *cuda_module, uint32_t device_index,
                                          nemo_selftest_callback callback, void *user, nemo_error *err);

/** The sessions that nemo_plan() plans for. Zero everywhere is one session as long as the model allows. */
typedef struct nemo_plan_options {
  uint32_t struct_size; /**< sizeof(nemo_plan_options). */
  uint32_t n_sessions;  /**< Sessions on the context; 0: 1. */
  uint32_t n_tokens;    /**< Tokens that each of them holds; 0: the model's max_context. */
  uint32_t kv_type;     /**< As nemo_session_options::kv_type. */
  uint32_t state_type;  /**< As nemo_session_options::state_type. */
  uint32_t reserved;    /**< 0. */
} nemo_plan_options;

/** Default ::nemo_plan_options. */
#define NEMO_PLAN_OPTIONS_INIT {sizeof(nemo_plan_options), 0, 0, 0, 0, 0}

/** The memory that a model and its sessions will take: the computer's main memory, or that of the chosen device. */
typedef struct nemo_memory_plan {
  uint32_t struct_size;     /**< sizeof(nemo_memory_plan). */
  uint32_t n_sessions;      /**< Planned for. */
  uint32_t n_tokens;        /**< Planned for, of each session. */
  uint32_t isa;             /**< NEMO_ISA_ value, on which the form of the weights depends. */
  uint64_t weight_bytes;    /**< Weights, as the instruction set level packs them; for an output head that is tied to
                                 the embedding both copies. As nemo_model_info::weight_bytes after loading. */
  uint64_t scratch_bytes;   /**< Working memory, shared by the sessions. As nemo_model_info::scratch_bytes. */
  uint64_t recurrent_bytes; /**< Convolution and SSM state of one session. */
  uint64_t kv_bytes;        /**< Keys and values of one session that holds `n_tokens`. */
  uint64_t snapshot_bytes;  /**< Most that the prefix cache will hold. */
  uint64_t total_bytes;     /**< Of everything: weights, scratch, sessions and snapshots; not of what is mapped. */
  uint64_t mapped_bytes;    /**< With NEMO_LOAD_MAPPED: of the model's files, used where they are mapped and shared with
                                 whoever else maps them; the most that the system's cache of them takes. Else 0. */
} nemo_memory_plan;

/** An empty ::nemo_memory_plan. */
#define NEMO_MEMORY_PLAN_INIT {sizeof(nemo_memory_plan), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

/** Tell what a model and its sessions will take in memory, from the headers of its files, before anything is loaded.
 *  nemo_context_stats::peak_bytes does not pass `total_bytes` while there are no more and no longer sessions than were
 *  planned, and reaches it, but for the room for snapshots, when all are full. Given as nemo_context_options::max_bytes,
 *  it holds in any case. Not counted are the vocabulary (some tens of MiB with 131,072 tokens), token ids and the stacks
 *  of threads.
 *  @param path          as for nemo_context_load().
 *  @param options       with which the model would be loaded: instruction set level, threads, step rows, snapshots and
 *                       NEMO_LOAD_MAPPED matter; NULL for defaults.
 *  @param plan_options  the sessions; NULL for defaults.
 *  @param plan          receives the numbers; `struct_size` must be set. Zeros on failure.
 *  @param err           optional.
 *  @return NEMO_OK; any -2xx; NEMO_E_INVALID_ARGUMENT, also for more tokens or other types than the model allows and for
 *          NEMO_LOAD_NO_WEIGHTS; NEMO_E_STRUCT_SIZE; NEMO_E_NO_DEVICE; NEMO_E_OUT_OF_MEMORY.
 *  @note Thread-safe. Callbacks in `options` are not called.
 *  @since 0.1 */
NEMO_API nemo_status nemo_plan(const char *path, const nemo_context_options *options,
                               const nemo_plan_options *plan_options, nemo_memory_plan *plan, nemo_error *err);

/** One file of a model that is in memory. */
typedef struct nemo_memory_file {
  uint32_t struct_size; /**< sizeof(nemo_memory_file). */
  uint32_t reserved;    /**< 0. */
  const char *name;     /**< Null-terminated: the published name ("config.json"), or anything for a GGUF or safetensors. */
  const void *data;     /**< The file's bytes, at any address; borrowed until the load returns, and with NEMO_LOAD_MAPPED
                             as long as the context or a session of it lives. */
  uint64_t size;        /**< Their number. */
} nemo_memory_file;

/** Default ::nemo_memory_file. */
#define NEMO_MEMORY_FILE_INIT {sizeof(nemo_memory_file), 0, NULL, NULL, 0}

/** Load a model from memory: one GGUF, or a safetensors with its `config.json` and `tokenizer.json`.
 *  @param files         array of `n_files` structs, `stride_bytes` apart.
 *  @param n_files       1 to 64.
 *  @param stride_bytes  sizeof(nemo_memory_file) as you compiled it.
 *  @param options       NULL for defaults.
 *  @param context       receives the context, to be freed with nemo_context_free(); NULL on failure.
 *  @param err           optional.
 *  @return as nemo_context_load(). The bytes are copied; they may be freed after the call. With NEMO_LOAD_MAPPED the
 *          matrices are not: weights are used where they are, in a mapping of your own, say.
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API nemo_status nemo_context_load_memory(const nemo_memory_file *files, size_t n_files, size_t stride_bytes,
                                              const nemo_context_options *options, nemo_context **context,
                                              nemo_error *err);

/** Take another reference. Each needs its own nemo_context_free().
 *  @return `context`.
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API nemo_context *nemo_context_retain(nemo_context *context);

/** Drop a reference; the last one, sessions' included, frees the model. NULL is fine.
 *  @note Thread-safe. Not from a callback of this context.
 *  @since 0.1 */
NEMO_API void nemo_context_free(nemo_context *context);

/** What a model is and what it costs. */
typedef struct nemo_model_info {
  uint32_t struct_size;          /**< sizeof(nemo_model_info). */
  uint32_t n_layers;             /**< Layers of all kinds; nemo_context_layer_pattern() spells them. */
  uint32_t n_vocab;              /**< Token ids are in [0, n_vocab); logits have this length. */
  uint32_t max_context;          /**< Longest sequence the model was made for, in tokens. */
  uint32_t d_model;              /**< Width of the residual stream. */
  uint32_t d_ff;                 /**< Width inside the MLP layers. */
  uint32_t n_heads;              /**< Query heads of the attention layers. */
  uint32_t n_kv_heads;           /**< Key and value heads of the attention layers. */
  uint32_t head_dim;             /**< Width of an attention head. */
  uint32_t n_ssm_heads;          /**< Heads of the Mamba-2 layers. */
  uint32_t ssm_head_dim;         /**< Width of a Mamba-2 head. */
  uint32_t d_state;              /**< State size per channel of the Mamba-2 layers. */
  uint32_t n_groups;             /**< Groups sharing B and C in the Mamba-2 layers. */
  uint32_t d_conv;               /**< Taps of the causal convolution. */
  uint32_t n_tensors;            /**< Tensors in the file; see nemo_context_tensor(). */
  uint32_t has_tokenizer;        /**< 1 if text can be tokenized, else 0. */
  uint64_t n_parameters;         /**< Elements of all tensors. */
  uint64_t tensor_bytes;         /**< Bytes of all tensors in the file. */
  uint64_t weight_bytes;         /**< Bytes of weights in memory, without mapped ones; 0 with NEMO_LOAD_NO_WEIGHTS. */
  uint64_t recurrent_state_bytes; /**< Conv and SSM state of one session. */
  uint64_t kv_bytes_per_token;   /**< Keys and values of one token in the default type; allocated per 64 tokens. */
  uint64_t scratch_bytes;        /**< Working memory of the context, shared by its sessions. */
  uint64_t mapped_bytes;         /**< Bytes of the file used where they are mapped (NEMO_LOAD_MAPPED); else 0. */
} nemo_model_info;

/** An empty ::nemo_model_info. */
#define NEMO_MODEL_INFO_INIT {sizeof(nemo_model_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

/** Describe the loaded model.
 *  @param context  a context.
 *  @param info     receives the description; `struct_size` must be set.
 *  @param err      optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT; NEMO_E_STRUCT_SIZE.
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API nemo_status nemo_context_model_info(const nemo_context *context, nemo_model_info *info, nemo_error *err);

/** The kinds of the layers in order, one letter each: `M` Mamba-2, `*` attention, `-` MLP.
 *  @return null-terminated, owned by the context; NULL if `context` is NULL.
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API const char *nemo_context_layer_pattern(const nemo_context *context);

/** The container the model came from: "GGUF v3" or "safetensors".
 *  @return null-terminated, owned by the context; NULL if `context` is NULL.
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API const char *nemo_context_format(const nemo_context *context);

/** One tensor of the model file. */
typedef struct nemo_tensor_info {
  uint32_t struct_size; /**< sizeof(nemo_tensor_info). */
  uint32_t n_dims;      /**< 0 to 4. */
  uint64_t shape[4];    /**< Row-major, outermost first; unused ones 0. */
  uint64_t offset_bytes; /**< In its file. */
  uint64_t size_bytes;  /**< In its file. */
  const char *name;     /**< As in the file, null-terminated, owned by the context. */
  const char *type;     /**< "BF16", "Q5_0", ...; null-terminated, static. */
} nemo_tensor_info;

/** An empty ::nemo_tensor_info. */
#define NEMO_TENSOR_INFO_INIT {sizeof(nemo_tensor_info), 0, {0, 0, 0, 0}, 0, 0, NULL, NULL}

/** Describe tensor `index` of the file.
 *  @param context  a context.
 *  @param index    0 to nemo_model_info::n_tensors - 1.
 *  @param info     receives the description; `struct_size` must be set.
 *  @param err      optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT; NEMO_E_STRUCT_SIZE.
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API nemo_status nemo_context_tensor(const nemo_context *context, size_t index, nemo_tensor_info *info,
                                         nemo_error *err);

/** @} */
/** @defgroup text Text and tokens
 *  @{ */

/** Turn text into token ids. No token is added at the start or the end.
 *  @param context        a context with a tokenizer.
 *  @param text           any bytes; invalid UTF-8 is kept byte for byte.
 *  @param text_size      length in bytes.
 *  @param parse_special  0: text such as "<|im_end|>" stays ordinary text (what you want for text from outside);
 *                        1: it becomes the control token.
 *  @param tokens         receives the ids; NULL with `capacity` 0 to ask for the number.
 *  @param capacity       size of `tokens` in ids.
 *  @param n_tokens       receives the full number of ids; may not be NULL.
 *  @param err            optional.
 *  @return NEMO_OK; NEMO_E_BUFFER_TOO_SMALL; NEMO_E_STATE without a tokenizer; NEMO_E_INVALID_ARGUMENT.
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API nemo_status nemo_tokenize(const nemo_context *context, const char *text, size_t text_size,
                                   int32_t parse_special, int32_t *tokens, size_t capacity, size_t *n_tokens,
                                   nemo_error *err);

/** Turn token ids into the bytes they stand for. Lossless for ordinary tokens: the result may end inside a UTF-8
 *  character when the ids do (nemo_session_generate() delivers whole characters).
 *  @param context       a context with a tokenizer.
 *  @param tokens        ids.
 *  @param n_tokens      their number.
 *  @param skip_control  1: leave out control tokens such as "<|im_end|>"; the tags of reasoning and of tool calls
 *                       ("<think>", "<tool_call>", ...) are always written.
 *  @param text          receives the bytes; NULL with `capacity` 0 to ask for the length.
 *  @param capacity      size of `text` in bytes.
 *  @param text_size     receives the full length in bytes; may not be NULL.
 *  @param err           optional.
 *  @return NEMO_OK; NEMO_E_BUFFER_TOO_SMALL; NEMO_E_INVALID_TOKEN; NEMO_E_STATE without a tokenizer.
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API nemo_status nemo_detokenize(const nemo_context *context, const int32_t *tokens, size_t n_tokens,
                                     int32_t skip_control, char *text, size_t capacity, size_t *text_size,
                                     nemo_error *err);

/** @} */
/** @defgroup chat Chat
 *  @{ */

/** One message of a conversation. Pointers are borrowed for the call. */
typedef struct nemo_chat_message {
  uint32_t struct_size;     /**< sizeof(nemo_chat_message). */
  uint32_t reserved;        /**< 0. */
  const char *role;         /**< Null-terminated: "system", "user", "assistant" or "tool". */
  const char *content;      /**< UTF-8; may be NULL with size 0. */
  uint64_t content_size;    /**< In bytes. */
  const char *reasoning;    /**< Assistant only: its thoughts, without the tags; NULL for none. */
  uint64_t reasoning_size;  /**< In bytes. */
  const char *tool_calls;   /**< Assistant only: JSON array of calls, as [{"function": {"name": ..., "arguments":
                                 {...}}}] or [{"name": ..., "arguments": {...}}]; NULL for none. Arguments keep their
                                 order. */
  uint64_t tool_calls_size; /**< In bytes. */
} nemo_chat_message;

/** An empty ::nemo_chat_message. */
#define NEMO_CHAT_MESSAGE_INIT {sizeof(nemo_chat_message), 0, NULL, NULL, 0, NULL, 0, NULL, 0}

/** Values of nemo_chat_options::thinking. */
enum {
  NEMO_THINKING_DEFAULT = 0, /**< As the model's template does: on. */
  NEMO_THINKING_ON = 1,      /**< The reply begins with reasoning. */
  NEMO_THINKING_OFF = 2      /**< The reply begins with the answer. */
};

/** Bits of nemo_chat_options::flags. */
enum {
  NEMO_CHAT_NO_GENERATION_PROMPT = 1,   /**< End after the last message instead of opening the assistant's turn. */
  NEMO_CHAT_KEEP_HISTORY_THINKING = 2   /**< Keep the reasoning of turns before the last user message. */
};

/** How to render a conversation. */
typedef struct nemo_chat_options {
  uint32_t struct_size; /**< sizeof(nemo_chat_options). */
  uint32_t thinking;    /**< NEMO_THINKING_ value. */
  uint32_t flags;       /**< NEMO_CHAT_ bits. */
  uint32_t reserved;    /**< 0. */
  const char *tools;    /**< JSON array of tools, as [{"type": "function", "function": {"name": ..., "description": ...,
                             "parameters": {JSON schema}}}] or of the inner objects; NULL for none. */
  uint64_t tools_size;  /**< In bytes. */
} nemo_chat_options;

/** Default ::nemo_chat_options. */
#define NEMO_CHAT_OPTIONS_INIT {sizeof(nemo_chat_options), 0, 0, 0, NULL, 0}

/** Render a conversation to the text that the model was trained on (the Nemotron 3 format).
 *  To look at; to run, prefer nemo_chat_tokenize(), in which text from outside cannot forge control tokens.
 *  @param context       a context.
 *  @param messages      array of `n_messages` structs, `stride_bytes` apart; may be NULL when there are none.
 *  @param n_messages    their number.
 *  @param stride_bytes  sizeof(nemo_chat_message) as you compiled it.
 *  @param options       NULL for defaults.
 *  @param text          receives the text; NULL with `capacity` 0 to ask for the length.
 *  @param capacity      size of `text` in bytes.
 *  @param text_size     receives the full length in bytes; may not be NULL.
 *  @param err           optional.
 *  @return NEMO_OK; NEMO_E_BUFFER_TOO_SMALL; NEMO_E_INVALID_ARGUMENT (unknown role, ...); NEMO_E_INVALID_JSON;
 *          NEMO_E_INVALID_UTF8; NEMO_E_STRUCT_SIZE.
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API nemo_status nemo_chat_render(const nemo_context *context, const nemo_chat_message *messages,
                                      size_t n_messages, size_t stride_bytes, const nemo_chat_options *options,
                                      char *text, size_t capacity, size_t *text_size, nemo_error *err);

/** Render a conversation straight to token ids. Only what the format itself writes, and the tags "<think>" and
 *  "</think>" in assistant messages, become control tokens: "<|im_end|>" inside a user's text stays text.
 *  @param context       a context with a tokenizer.
 *  @param messages      as for nemo_chat_render().
 *  @param n_messages    their number.
 *  @param stride_bytes  sizeof(nemo_chat_message) as you compiled it.
 *  @param options       NULL for defaults.
 *  @param tokens        receives the ids; NULL with `capacity` 0 to ask for the number.
 *  @param capacity      size of `tokens` in ids.
 *  @param n_tokens      receives the full number of ids; may not be NULL.
 *  @param err           optional.
 *  @return as nemo_chat_render(); NEMO_E_STATE without a tokenizer.
 *  @note Thread-safe.
 *  @since 0.1 */
NEMO_API nemo_status nemo_chat_tokenize(const nemo_context *context, const nemo_chat_message *messages,
                                        size_t n_messages, size_t stride_bytes, const nemo_chat_options *options,
                                        int32_t *tokens, size_t capacity, size_t *n_tokens, nemo_error *err);

/** @} */
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
/** @defgroup generate Generating text
 *  @{ */

/** Values of nemo_generate_options::sampling_mode. */
enum {
  NEMO_SAMPLING_DEFAULT = 0, /**< What NVIDIA recommends: temperature 1, top_p 1, top_k off. Only `seed` is read. */
  NEMO_SAMPLING_GREEDY = 1,  /**< The most probable token; of equals, the smallest id. */
  NEMO_SAMPLING_LITERAL = 2  /**< Every field as it stands. */
};

/** Why generation ended. */
enum {
  NEMO_FINISH_STOP = 1,      /**< A stop token or stop string. */
  NEMO_FINISH_LENGTH = 2,    /**< `max_tokens` reached, or the session is full. */
  NEMO_FINISH_CANCELLED = 3  /**< nemo_session_cancel(), or the callback said so. */
};

/** Values of nemo_event::type and nemo_generate_event::type. */
enum {
  NEMO_EVENT_NONE = 0,   /**< There is nothing to fetch. */
  NEMO_EVENT_TEXT = 1,   /**< A piece of the reply; with NEMO_GENERATE_PARSE_REPLY, of its answer. */
  NEMO_EVENT_REASONING = 2, /**< A piece of the reply's thoughts; only with NEMO_GENERATE_PARSE_REPLY. */
  NEMO_EVENT_TOOL_CALL = 3, /**< A whole tool call; only with NEMO_GENERATE_PARSE_REPLY. */
  NEMO_EVENT_FINISH = 4, /**< The request is over. Exactly one of FINISH and ERROR comes, and nothing after it. */
  NEMO_EVENT_ERROR = 5   /**< The request failed; the session is as it was, or stands at its last committed token. */
};

/** A piece of the reply. */
typedef struct nemo_generate_event {
  uint32_t struct_size;  /**< As the library knows it; larger in later versions. */
  int32_t token;         /**< The token just sampled; -1 for text that was held back and comes at the end. */
  const char *text;      /**< Whole UTF-8 characters, not terminated; lives only during the call. */
  uint64_t text_size;    /**< In bytes; 0 while a character or a possible stop string is incomplete. */
  uint32_t type;         /**< NEMO_EVENT_TEXT, NEMO_EVENT_REASONING or NEMO_EVENT_TOOL_CALL. */
  uint32_t reserved;     /**< 0. */
  const char *name;      /**< TOOL_CALL: the tool's name, not terminated; `text` is then its arguments, a JSON object. */
  uint64_t name_size;    /**< In bytes. */
} nemo_generate_event;

/** Receives the reply as it is made, once per token, on the thread that called nemo_session_generate(). (With
 *  NEMO_GENERATE_PARSE_REPLY a token that ends one part and begins another comes with the first of them; the events that
 *  follow it have token -1.) It may call
 *  nemo_session_cancel(), nemo_session_tokens(), nemo_session_position() and the functions on contexts; eval,
 *  generate and reset on the same session return NEMO_E_REENTRANT; do not free the session.
 *  @return 0 to go on; anything else ends generation with NEMO_FINISH_CANCELLED. */
typedef int32_t (*nemo_generate_callback)(const nemo_generate_event *event, void *user);

/** Text with its length. */
typedef struct nemo_text {
  const char *data; /**< UTF-8, not terminated. */
  uint64_t size;    /**< In bytes. */
} nemo_text;

/** What to generate and when to stop. */
typedef struct nemo_generate_options {
  uint32_t struct_size;   /**< sizeof(nemo_generate_options). */
  uint32_t max_tokens;    /**< Most tokens to sample; 0: until a stop or the session is full. */
  uint32_t sampling_mode; /**< NEMO_SAMPLING_ value. */
  uint32_t top_k;         /**< Literal mode: keep the k most probable; 0: all. */
  float temperature;      /**< Literal mode: >= 0; 0 is greedy. */
  float top_p;            /**< Literal mode: (0, 1]: keep the most probable whose sum reaches it. */
  uint64_t seed;          /**< The random numbers are a function of (seed, position) alone. */
  uint32_t ignore_stop_tokens; /**< 1: go on past the model's stop tokens, delivering them as text. */
  uint32_t n_stop_strings; /**< Number of `stop_strings`, at most 64. */
  const nemo_text *stop_strings; /**< Generation ends before any of these; none may be empty. */
  nemo_generate_callback on_event; /**< NULL: nothing is delivered. Not used by nemo_session_submit(). */
  void *user;             /**< Passed to `on_event`. */
  uint32_t flags;         /**< NEMO_GENERATE_ bits. */
  uint32_t reserved;      /**< 0. */
  const char *tools;      /**< With NEMO_GENERATE_PARSE_REPLY: the JSON array of tools that the prompt was rendered with,
                               whose schemas tell the types of arguments; NULL: all arguments are strings. */
  uint64_t tools_size;    /**< In bytes. */
} nemo_generate_options;

/** Bits of nemo_generate_options::flags. */
enum {
  NEMO_GENERATE_WHOLE_PROMPT = 1, /**< The prompt is the whole conversation, not what comes next. What the session holds
                                      is replaced by it; its longest beginning that the session or the prefix cache
                                      knows is not computed again. For a chat that renders its history each turn. */
  NEMO_GENERATE_PARSE_REPLY = 2  /**< Tell the reply's parts apart: thoughts, answer and tool calls come as events of their
                                      own, without tags. All TEXT together is what belongs into
                                      nemo_chat_message::content, all REASONING into nemo_chat_message::reasoning. The
                                      reply begins with thoughts if the prompt's last turn has opened "<think>". A tool
                                      call comes when it is whole; one cut by a limit or a cancel does not come. */
};

/** Default ::nemo_generate_options. */
#define NEMO_GENERATE_OPTIONS_INIT \
  {sizeof(nemo_generate_options), 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, 0, 0, NULL, 0}

/** How generation went. */
typedef struct nemo_generate_result {
  uint32_t struct_size;       /**< sizeof(nemo_generate_result). */
  uint32_t finish_reason;     /**< NEMO_FINISH_ value. */
  uint64_t n_prompt_tokens;   /**< Tokens of the prompt that were computed. */
  uint64_t n_generated_tokens; /**< Tokens sampled, a stop token included. */
  uint64_t prefill_us;        /**< Microseconds for the prompt. */
  uint64_t decode_us;         /**< Microseconds for the rest, callbacks included. */
  uint64_t n_reused_tokens;   /**< Tokens of a whole prompt that were found computed. */
} nemo_generate_result;

/** Default ::nemo_generate_result. */
#define NEMO_GENERATE_RESULT_INIT {sizeof(nemo_generate_result), 0, 0, 0, 0, 0, 0}

/** Run a prompt and generate, blocking, until a stop, a limit or a cancel.
 *  Afterwards the session holds the prompt and every sampled token but the last one, which nobody has computed yet:
 *  to go on, begin the next prompt with it (a chat re-renders its history and finds it there).
 *  @param session   a session on a context with a tokenizer.
 *  @param prompt    ids in [0, n_vocab), added to what the session holds.
 *  @param n_prompt  at least 1.
 *  @param options   NULL for defaults.
 *  @param result    optional; receives counts and times; `struct_size` must be set.
 *  @param err       optional.
 *  @return NEMO_OK, cancelled or not: see nemo_generate_result::finish_reason. NEMO_E_INVALID_ARGUMENT,
 *          NEMO_E_INVALID_TOKEN, NEMO_E_INVALID_JSON, NEMO_E_STRUCT_SIZE, NEMO_E_STATE without a tokenizer,
 *          NEMO_E_CONTEXT_FULL when the
 *          prompt does not fit, NEMO_E_BUSY, NEMO_E_REENTRANT: session unchanged. NEMO_E_OUT_OF_MEMORY: the session
 *          stands at its last committed token.
 *  @note One thread per session; distinct sessions may run at the same time.
 *  @since 0.1 */
NEMO_API nemo_status nemo_session_generate(nemo_session *session, const int32_t *prompt, size_t n_prompt,
                                           const nemo_generate_options *options, nemo_generate_result *result,
                                           nemo_error *err);

/** @} */
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
} nemo_context_stats;

/** An empty ::nemo_context_stats. */
#define NEMO_CONTEXT_STATS_INIT {sizeof(nemo_context_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

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
  NEMO_ARITHMETIC_BF16 = 1, /**< bfloat16, summed in 32-bit floats. */
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
 *  an operation.
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
/** @defgroup convert Making model files
 *  @{ */

/** What nemo_model_synthesize() makes. Zero everywhere is the 4B as Q4_K_M. */
typedef struct nemo_synthesize_options {
  uint32_t struct_size;       /**< sizeof(nemo_synthesize_options). */
  uint32_t n_threads;         /**< 0: one per usable core. At most 256. The file is the same for any number. */
  uint64_t seed;              /**< The bytes are a function of shape, type and seed. */
  const char *shape;          /**< Null-terminated: "4b", "9b-v2", "12b-v2", "h-8b" or "tiny"; NULL: "4b". */
  const char *type;           /**< Null-terminated: "q4_k_m", "q8_0" or "q4_0" (a GGUF file), "bf16" or "fp8" (a folder
                                   with safetensors); NULL: "q4_k_m". */
  const char *tokenizer_path; /**< Null-terminated: a folder with `tokenizer.json`, or a GGUF file, whose tokenizer the
                                   model gets; NULL: none, then it can be used with token ids only. */
  nemo_progress_callback on_progress; /**< NULL: no progress. Called on the calling thread. */
  void *progress_user;        /**< Passed to `on_progress`. */
} nemo_synthesize_options;

/** Default ::nemo_synthesize_options. */
#define NEMO_SYNTHESIZE_OPTIONS_INIT {sizeof(nemo_synthesize_options), 0, 0, NULL, NULL, NULL, NULL, NULL}

/** Write a model with random weights, and with the shapes and tensor types of a published one: for measuring speed and
 *  memory where the real file is not at hand. It makes no text worth reading.
 *  @param path     null-terminated UTF-8: the file to write (replaced if there is one), or for the types in safetensors
 *                  the folder (which may not exist, or must be empty). It appears when it is whole; on failure nothing
 *                  is left behind.
 *  @param options  NULL for defaults.
 *  @param err      optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT; NEMO_E_STRUCT_SIZE; NEMO_E_FILE_WRITE, a full disk for one;
 *          NEMO_E_CANCELLED by the callback; NEMO_E_OUT_OF_MEMORY; of the tokenizer any -2xx.
 *  @note Thread-safe. Uses some 10 MiB per thread.
 *  @since 0.1 */
NEMO_API nemo_status nemo_model_synthesize(const char *path, const nemo_synthesize_options *options, nemo_error *err);

/** What nemo_model_quantize() makes. Zero everywhere is Q4_K_M. */
typedef struct nemo_quantize_options {
  uint32_t struct_size;       /**< sizeof(nemo_quantize_options). */
  uint32_t n_threads;         /**< 0: one per usable core. At most 256. The file is the same for any number. */
  const char *type;           /**< Null-terminated: "q2_k", "q3_k_s", "q3_k_m", "q3_k_l", "q4_0", "q4_1", "q4_k_s",
                                   "q4_k_m", "q5_0", "q5_1", "q5_k_s", "q5_k_m", "q6_k", "q8_0", "iq4_nl", "iq4_xs",
                                   "f32", "f16" or "bf16" (a GGUF file), or "fp8" (a folder with safetensors);
                                   NULL: "q4_k_m". */
  nemo_progress_callback on_progress; /**< NULL: no progress. Called on the calling thread. */
  void *progress_user;        /**< Passed to `on_progress`. */
  const char *imatrix_path;   /**< Null-terminated: an importance matrix, as nemo_model_imatrix() or llama.cpp writes it
                                   (GGUF), by which errors are weighed; for "fp8" one of nemo_model_imatrix(), from
                                   which the input scales come. NULL: none. */
  const char *tokenizer_path; /**< Null-terminated, for a folder: a folder with the `tokenizer.json` to put there; NULL:
                                   the model's own, which a GGUF file has in another form. */
} nemo_quantize_options;

/** Default ::nemo_quantize_options. */
#define NEMO_QUANTIZE_OPTIONS_INIT {sizeof(nemo_quantize_options), 0, NULL, NULL, NULL, NULL, NULL}

/** Write a model as a GGUF file of another type, or as a folder with safetensors. It reads and writes piece by piece, so
 *  memory does not grow with the model. Quantizing what is quantized already loses more than quantizing the original.
 *
 *  In a GGUF file each tensor gets the type that llama.cpp's quantizer would give it, and the same bytes, with an
 *  importance matrix and without; metadata and tokenizer come along.
 *
 *  "fp8" is ModelOpt's layout, with the matrices in E4M3 that the published recipe has there, their `weight_scale` the
 *  largest weight over 448, and an `input_scale` from the importance matrix or from the FP8 model that is read. Without
 *  either there are no input scales: inputs are not rounded then, and the configuration says so. `config.json` and what
 *  else belongs to a checkpoint come along. "bf16" makes such a folder where `output` ends with '/'.
 *  @param input    null-terminated UTF-8: any model that nemo_context_load() takes.
 *  @param output   null-terminated UTF-8: the file to write, replaced if there is one, or the folder (which may not
 *                  exist, or must be empty). It appears when it is whole; on failure nothing is left behind.
 *  @param options  NULL for defaults.
 *  @param err      optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT; NEMO_E_STRUCT_SIZE; of the input, the importance matrix and the tokenizer any
 *          -2xx: NEMO_E_BAD_FILE also for a weight that is infinite or not a number, NEMO_E_CONFIG_MISMATCH for the
 *          importance matrix of another model, NEMO_E_UNSUPPORTED_FORMAT for a GGUF's tokenizer in a folder;
 *          NEMO_E_FILE_WRITE; NEMO_E_CANCELLED by the callback; NEMO_E_OUT_OF_MEMORY.
 *  @note Thread-safe. Uses some 10 MiB per thread.
 *  @since 0.1 */
NEMO_API nemo_status nemo_model_quantize(const char *input, const char *output, const nemo_quantize_options *options,
                                         nemo_error *err);

/** How nemo_model_imatrix() computes. Zero everywhere is a good choice. */
typedef struct nemo_imatrix_options {
  uint32_t struct_size;       /**< sizeof(nemo_imatrix_options). */
  uint32_t n_threads;         /**< 0: one per usable core. At most 256. The file is the same for any number. */
  uint32_t isa;               /**< NEMO_ISA_ value. Asking for what the processor lacks is NEMO_E_NO_DEVICE. */
  uint32_t chunk_tokens;      /**< The text is cut into sequences of this many tokens; 0: 512. At most 32768. */
  uint32_t max_chunks;        /**< 0: the whole text. */
  uint32_t reserved;          /**< 0. */
  nemo_progress_callback on_progress; /**< NULL: no progress. Told tokens, not bytes, on the calling thread. */
  void *progress_user;        /**< Passed to `on_progress`. */
} nemo_imatrix_options;

/** Default ::nemo_imatrix_options. */
#define NEMO_IMATRIX_OPTIONS_INIT {sizeof(nemo_imatrix_options), 0, 0, 0, 0, 0, NULL, NULL}

/** Run a model over a text and write down how much each input column of each of its matrices matters: the sum of squares
 *  of what it read, over all tokens, and the largest. nemo_model_quantize() weighs errors by it, and takes the scales of
 *  FP8 inputs from it. The file is what llama.cpp's imatrix writes (GGUF) and what its quantizer reads, and holds the
 *  matrices of the layers, as there, not the output head.
 *  @param model      null-terminated UTF-8: any model with a tokenizer that nemo_context_load() takes; best the original.
 *  @param text_path  null-terminated UTF-8: a text like those that the model will meet, tokenized as it stands. What is
 *                    left over when it is cut into whole chunks is not used; a shorter text is one chunk.
 *  @param output     null-terminated UTF-8: the file to write, replaced if there is one. It appears when it is whole.
 *  @param options    NULL for defaults.
 *  @param err        optional.
 *  @return NEMO_OK; NEMO_E_INVALID_ARGUMENT, for an empty text for one; NEMO_E_STRUCT_SIZE; NEMO_E_NO_DEVICE;
 *          NEMO_E_STATE for a model without a tokenizer; of model and text any -2xx; NEMO_E_FILE_WRITE; NEMO_E_CANCELLED
 *          by the callback; NEMO_E_OUT_OF_MEMORY.
 *  @note Thread-safe. Uses the memory of nemo_context_load() and a session of `chunk_tokens`.
 *  @since 0.1 */
NEMO_API nemo_status nemo_model_imatrix(const char *model, const char *text_path, const char *output,
                                        const nemo_imatrix_options *options, nemo_error *err);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
