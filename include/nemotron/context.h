/** @file context.h
 *  @brief Part of nemotron.h: loading a model, what it is, what it takes in memory, and devices. */
#ifndef NEMOTRON_CONTEXT_H
#define NEMOTRON_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include <nemotron/common.h>

#ifdef __cplusplus
extern "C" {
#endif

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
  NEMO_ISA_AVX2 = 2, /**< x86-64 with AVX2, FMA and F16C, faster where it has AVX-VNNI, with the same bytes. Activations
                          are rounded to int8 per 32 columns before they meet quantized weights; they stay f32 for F32,
                          F16, BF16 and FP8. */
  NEMO_ISA_AVX512 = 3, /**< x86-64 with AVX-512 F, BW, DQ, VL, VNNI, BF16 and VBMI (Zen 4, Sapphire Rapids and later).
                            Activations are rounded to int8 as above, and to bf16 before they meet BF16 and FP8 weights
                            and in attention over bf16 keys and values. */
  NEMO_ISA_NEON = 4 /**< 64-bit ARM, with the dot product instructions where the processor has them (the same bytes
                         without). Activations are rounded to int8 as above; they stay f32 for the same types. */
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
  NEMO_LOAD_MAPPED = 4,         /**< Leave the matrices where they are and map the model's files, read-only, instead of
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
  NEMO_LOAD_LLAMA3_SPLIT = 8    /**< Cut text by the expression of Llama 3 before it is tokenized, as llama.cpp does for
                                     GGUF files of this family, to get its token ids. Without it text is cut by the
                                     expression that the models were trained with (that of their tokenizer.json).
                                     Few texts differ, mostly code (a newline and a slash behind a symbol) and scripts
                                     with combining marks. */
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
                                        On a GPU they move to the host's memory first: see `max_offload_bytes`; and while a
                                        session generates, one more recurrent state is used where it has room.
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
  void *cuda_stream;               /**< A CUstream of yours in `cuda_context` (NULL: in the device's primary context), which
                                        must outlive the context and is never captured: all computing is enqueued on it,
                                        between what you enqueue. NULL: a stream of the context's own. */
  int32_t cuda_priority;           /**< Of the context's own stream, as CUDA counts: 0 is the default, negative numbers go
                                        first. What the device does not have becomes the nearest that it has. */
  uint32_t cuda_plain_kernels;     /**< NEMO_CUDA_PLAIN_ bits: the operations that run with kernels that are plain instead
                                        of fast, for finding faults and for a device that nemo_device_selftest() found
                                        better off so. */
  uint64_t max_offload_bytes;      /**< Most bytes of the host's memory, beside `max_bytes`, that take states for which a
                                        GPU has no room: snapshots and those of idle sessions, until they are used again.
                                        What finds no room there either is computed again from its tokens. It changes no
                                        result. 0: a quarter of `max_bytes`, or 4 GiB where that is 0; NEMO_NO_OFFLOAD:
                                        none. On the CPU nothing moves. */
} nemo_context_options;

/** Bits of nemo_context_options::cuda_plain_kernels. */
enum {
  NEMO_CUDA_PLAIN_PRODUCTS = 1u << 0,    /**< Matrix products. */
  NEMO_CUDA_PLAIN_ATTENTION = 1u << 1,   /**< Attention. */
  NEMO_CUDA_PLAIN_SCAN = 1u << 2,        /**< The recurrence of Mamba-2 layers. */
  NEMO_CUDA_PLAIN_CONVOLUTION = 1u << 3, /**< Their causal convolution. */
  NEMO_CUDA_PLAIN_ALL = 15               /**< All of these. */
};

/** nemo_context_options::snapshot_bytes: no prefix cache. */
#define NEMO_NO_SNAPSHOTS UINT64_MAX

/** nemo_context_options::max_offload_bytes: no state of a GPU lies in the host's memory. */
#define NEMO_NO_OFFLOAD UINT64_MAX

/** Default ::nemo_context_options. */
#define NEMO_CONTEXT_OPTIONS_INIT \
  {sizeof(nemo_context_options), 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, 0, 0, 0, 0, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, \
   NULL, 0, 0, 0}

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

/** What nemo_device_selftest() found of one operation. */
typedef struct nemo_selftest_result {
  uint32_t struct_size;  /**< sizeof(nemo_selftest_result) of the library. */
  uint32_t kernels;      /**< The NEMO_CUDA_PLAIN_ bit of its kernels; 0: there is only one kind. */
  const char *operation; /**< What it was, null-terminated: "attention q8", "product Q5_0, 1 row". */
  uint32_t is_plain;     /**< 1: with plain kernels. */
  uint32_t is_good;      /**< 1: the result is right, or only the time was measured. */
  double error;          /**< Root mean square of the difference from the CPU, relative to that of the CPU's result. */
  double bound;          /**< The largest `error` that is right; 0: not compared. */
  double microseconds;   /**< Time of one run on inputs of a 4B model's size; 0: not measured. */
} nemo_selftest_result;

/** Told of each operation. Called on the calling thread; no function of the library may be called from it.
 *  @param result  valid during the call.
 *  @param user    as passed to nemo_device_selftest().
 *  @return 0 to go on; anything else ends the test with NEMO_E_CANCELLED. */
typedef int32_t (*nemo_selftest_callback)(const nemo_selftest_result *result, void *user);

/** Compare every operation of a CUDA device with the CPU's reference, on random inputs, with plain and with fast
 *  kernels, and measure both.
 *  @param cuda_module    path of libnemotron-cuda.so; NULL: beside this library.
 *  @param device_index   nemo_device_info::index.
 *  @param callback       told of each operation; NULL: only the outcome counts.
 *  @param user           passed to `callback`.
 *  @param plain_kernels  receives the NEMO_CUDA_PLAIN_ bits of operations whose fast kernels are wrong on this device, or
 *                        slower: for nemo_context_options::cuda_plain_kernels; optional.
 *  @param err            optional; says how many operations are wrong.
 *  @return NEMO_OK if all are right; NEMO_E_INTERNAL if some are not; NEMO_E_NO_DEVICE; NEMO_E_DEVICE_LOST;
 *          NEMO_E_OUT_OF_MEMORY; NEMO_E_CANCELLED.
 *  @note Thread-safe. Takes some 500 MiB of the device's memory, and some seconds.
 *  @since 0.1 */
NEMO_API nemo_status nemo_device_selftest(const char *cuda_module, uint32_t device_index,
                                          nemo_selftest_callback callback, void *user, uint32_t *plain_kernels,
                                          nemo_error *err);

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
 *  planned, and reaches it, but for the room for snapshots, when all are full; on a GPU `recurrent_bytes` more are used
 *  for each session that generates, where there is room. Given as nemo_context_options::max_bytes,
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

#ifdef __cplusplus
}
#endif

#endif
