/* A consumer in C: says what a model is. */
#include <inttypes.h>
#include <nemotron/nemotron.h>
#include <stdio.h>

int main(int argc, char **argv) {
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  nemo_model_info info = NEMO_MODEL_INFO_INIT;
  nemo_error error = NEMO_ERROR_INIT;
  nemo_context *context = NULL;

  if (argc != 2 || nemo_version() != NEMO_VERSION_NUMBER) return 2;
  options.flags = NEMO_LOAD_NO_WEIGHTS;
  if (nemo_context_load(argv[1], &options, &context, &error) != NEMO_OK ||
      nemo_context_model_info(context, &info, &error) != NEMO_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  printf("%s: %" PRIu32 " layers %s, %" PRIu32 " tokens\n", NEMO_VERSION_STRING, info.n_layers,
         nemo_context_layer_pattern(context), info.n_vocab);
  nemo_context_free(context);
  return 0;
}
