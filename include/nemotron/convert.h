/** @file convert.h
 *  @brief Part of nemotron.h: making model files: synthetic, quantized, importance matrices. */
#ifndef NEMOTRON_CONVERT_H
#define NEMOTRON_CONVERT_H

#include <stddef.h>
#include <stdint.h>

#include <nemotron/common.h>
#include <nemotron/context.h>

#ifdef __cplusplus
extern "C" {
#endif

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
                                   "nemo4", "f32", "f16" or "bf16" (a GGUF file), or "fp8" (a folder with safetensors);
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
 *  importance matrix and without; metadata and tokenizer come along. Of "nemo4" the types are ours, the bytes of each
 *  tensor llama.cpp's: the matrices that a token reads, the output head included, take at most 4.6 bits per weight
 *  together. Each has the better of the types with 4.5 bits that its width allows (IQ4_NL, Q4_K), and those whose error,
 *  weighed by the importance matrix where there is one, falls most per byte have one with 5.5 (Q5_0, Q5_K), as the
 *  embedding has. It reads the model once more, in part, to measure that.
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
