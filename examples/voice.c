// A voice assistant's two tricks: it computes a question while it is still being spoken, on a fork,
// and when it is interrupted it forgets what nobody heard of its answer.
#include <nemotron/nemotron.h>
#include <stdio.h>
#include <string.h>

static nemo_error error = NEMO_ERROR_INIT;

static int32_t prompt[512];
static size_t n_prompt = 0;

static nemo_status render(nemo_context *context, const char *question, size_t size, uint32_t flags) {
  const nemo_chat_message message = {.struct_size = sizeof message, .role = "user", .content = question, .content_size = size};
  const nemo_chat_options options = {.struct_size = sizeof options, .thinking = NEMO_THINKING_OFF, .flags = flags};
  return nemo_chat_tokenize(context, &message, 1, sizeof message, &options, prompt, 512, &n_prompt, &error);
}

// Computes the beginning of a question: without what may still change, the end of its last word and of the turn.
static nemo_status prepare(nemo_context *context, nemo_session *session, const char *question, size_t size) {
  const size_t n_open = 4;
  if (render(context, question, size, NEMO_CHAT_NO_GENERATION_PROMPT) != NEMO_OK || n_prompt <= n_open) return error.code;
  return nemo_session_eval(session, prompt, n_prompt - n_open, NULL, 0, &error);
}

// Puts the question on the session; what the session holds of it is not computed again.
static nemo_status ask(nemo_context *context, nemo_session *session, const char *question) {
  const nemo_generate_options options = {.struct_size = sizeof options, .max_tokens = 100,
                                         .flags = NEMO_GENERATE_WHOLE_PROMPT | NEMO_GENERATE_PARSE_REPLY};
  nemo_request request = {.struct_size = sizeof request, .prompt = prompt, .options = &options};
  if (render(context, question, strlen(question), 0) != NEMO_OK) return error.code;
  request.n_prompt = n_prompt;
  return nemo_session_submit(session, &request, NULL, &error);
}

// Speaks what comes, up to the moment of the interruption; *spoken counts bytes of the answer.
static nemo_status speak(nemo_session *session, uint64_t interrupt_after, uint64_t *spoken) {
  nemo_event event = NEMO_EVENT_INIT;
  nemo_status status = NEMO_OK;
  while ((status = nemo_session_wait(session, UINT64_MAX, &event, &error)) == NEMO_OK && event.type != NEMO_EVENT_NONE) {
    if (event.type == NEMO_EVENT_FINISH)
      printf("\n[%llu tokens of the prompt computed, %llu known]\n", (unsigned long long)event.n_prompt_tokens, (unsigned long long)event.n_reused_tokens);
    if (event.type != NEMO_EVENT_TEXT || *spoken >= interrupt_after) continue;
    fwrite(event.text, 1, event.text_size, stdout);
    *spoken += event.text_size;
    if (*spoken >= interrupt_after) nemo_session_cancel(session, 0, NULL);  // the user cuts in
  }
  return status;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;  // MODEL QUESTION
  nemo_context *context = NULL;
  nemo_session *session = NULL, *guess = NULL;
  uint64_t spoken = 0, before = 0;
  // While the user still speaks: compute the half that is there, on a fork, without disturbing the session. Then the
  // question is complete: adopt the fork, and compute only the rest. (Had it become another question: free the fork.)
  if (nemo_context_load(argv[1], NULL, &context, &error) || nemo_session_create(context, NULL, &session, &error) ||
      nemo_session_fork(session, &guess, &error) || prepare(context, guess, argv[2], strlen(argv[2]) / 2) ||
      nemo_session_adopt(session, guess, &error) || ask(context, session, argv[2]) || speak(session, 24, &spoken))
    goto end;
  before = nemo_session_position(session);
  // Of what was spoken the user heard half: the session forgets the rest.
  if (nemo_session_truncate_reply(session, spoken / 2, &error)) goto end;
  printf("[interrupted: %llu tokens, of which %llu were heard]\n", (unsigned long long)before, (unsigned long long)nemo_session_position(session));
end:
  if (error.code != NEMO_OK) fprintf(stderr, "%s\n", error.message);
  nemo_session_free(guess);
  nemo_session_free(session);
  nemo_context_free(context);
  return error.code != NEMO_OK;
}
