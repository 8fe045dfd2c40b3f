/** @file text.h
 *  @brief Part of nemotron.h: text as tokens, and conversations as prompts. */
#ifndef NEMOTRON_TEXT_H
#define NEMOTRON_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include <nemotron/common.h>
#include <nemotron/context.h>

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
}
#endif

#endif
