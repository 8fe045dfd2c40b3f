// A question and its answer in C, as it is made.
#include <nemotron/nemotron.h>
#include <stdio.h>
#include <string.h>

static int32_t print_text(const nemo_generate_event *event, void *user) {
  return fwrite(event->text, 1, event->text_size, user) != event->text_size;  // non-zero stops
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;  // MODEL QUESTION
  nemo_context *context = NULL;
  nemo_session *session = NULL;
  nemo_error error = NEMO_ERROR_INIT;
  int32_t prompt[512];
  size_t n_prompt = 0;
  const nemo_chat_message message = {.struct_size = sizeof message, .role = "user", .content = argv[2], .content_size = strlen(argv[2])};
  const nemo_generate_options options = {.struct_size = sizeof options, .max_tokens = 100, .on_event = print_text, .user = stdout};
  if (nemo_context_load(argv[1], NULL, &context, &error) || nemo_session_create(context, NULL, &session, &error) ||
      nemo_chat_tokenize(context, &message, 1, sizeof message, NULL, prompt, 512, &n_prompt, &error) ||
      nemo_session_generate(session, prompt, n_prompt, &options, NULL, &error))
    fprintf(stderr, "%s\n", error.message);
  nemo_session_free(session);
  nemo_context_free(context);
  return error.code != NEMO_OK;
}
