/** @file nemotron.h
 *  @brief The whole C ABI of libnemotron: NVIDIA Nemotron 3 Nano and its `nemotron_h` relatives, inside your program.
 *
 *  The declarations stand in parts, which this header includes: common.h (statuses, errors, the version), context.h
 *  (models and devices), text.h (tokens, chat), session.h, generate.h, engine.h (request, pump, events), state.h (saving)
 *  and convert.h (making model files).
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

#include <nemotron/common.h>
#include <nemotron/context.h>
#include <nemotron/convert.h>
#include <nemotron/engine.h>
#include <nemotron/generate.h>
#include <nemotron/session.h>
#include <nemotron/state.h>
#include <nemotron/text.h>
#include <nemotron/version.h>

#endif
