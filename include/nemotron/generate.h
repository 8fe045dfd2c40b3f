/** @file generate.h
 *  @brief Part of nemotron.h: generating text, in one call that waits. */
#ifndef NEMOTRON_GENERATE_H
#define NEMOTRON_GENERATE_H

#include <stddef.h>
#include <stdint.h>

#include <nemotron/common.h>
#include <nemotron/session.h>

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
}
#endif

#endif
