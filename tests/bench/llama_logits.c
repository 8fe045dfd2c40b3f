/* llama.cpp's logits after each token of a sequence, for compare_quality.py: what `nemotron logits`
   is for ours. Built by hand against a build of llama.cpp; nothing else here needs it:

     cc -O2 tests/bench/llama_logits.c -I LLAMA/include -I LLAMA/ggml/include \
        -L LLAMA/build/bin -Wl,-rpath,LLAMA/build/bin -lllama -lggml -lggml-base -o llama_logits

   llama_logits MODEL TOKENS OUTPUT THREADS [f32]
   TOKENS: ids separated by white space. OUTPUT: raw f32, [n_tokens][n_vocab], row by row. With f32,
   keys and values are kept in f32 and there is no flash attention; else as llama.cpp does by
   itself. */
#include <llama.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TOKENS = 1 << 20 };

static void fail(const char* what, const char* name) {
  fprintf(stderr, "llama_logits: %s %s\n", what, name);
  exit(1);
}

static int read_ids(const char* path, llama_token* ids) {
  FILE* file = fopen(path, "r");
  int n = 0;
  if (file == NULL) fail("cannot read", path);
  while (n < MAX_TOKENS && fscanf(file, "%d", &ids[n]) == 1) ++n;
  fclose(file);
  if (n == 0) fail("no token ids in", path);
  return n;
}

static void print_error(enum ggml_log_level level, const char* text, void* user) {
  (void)user;
  if (level == GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

int main(int argc, char** argv) {
  static llama_token ids[MAX_TOKENS];
  if (argc < 5) fail("expected", "MODEL TOKENS OUTPUT THREADS [f32]");
  const int n_tokens = read_ids(argv[2], ids);
  llama_log_set(print_error, NULL);
  llama_backend_init();
  struct llama_model* model = llama_model_load_from_file(argv[1], llama_model_default_params());
  if (model == NULL) fail("cannot load", argv[1]);
  struct llama_context_params params = llama_context_default_params();
  params.n_ctx = params.n_batch = (uint32_t)n_tokens;
  params.n_threads = params.n_threads_batch = atoi(argv[4]);
  if (argc > 5 && strcmp(argv[5], "f32") == 0) {
    params.type_k = params.type_v = GGML_TYPE_F32;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  }
  struct llama_context* context = llama_init_from_model(model, params);
  if (context == NULL) fail("cannot make a context of", argv[1]);
  struct llama_batch batch = llama_batch_init(n_tokens, 0, 1);
  batch.n_tokens = n_tokens;
  for (int i = 0; i < n_tokens; ++i) {
    batch.token[i] = ids[i];
    batch.pos[i] = i;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = 1;
  }
  if (llama_decode(context, batch) != 0) fail("cannot run", argv[1]);
  const size_t n_vocab = (size_t)llama_vocab_n_tokens(llama_model_get_vocab(model));
  FILE* out = fopen(argv[3], "wb");
  if (out == NULL) fail("cannot write", argv[3]);
  for (int i = 0; i < n_tokens; ++i)
    if (fwrite(llama_get_logits_ith(context, i), sizeof(float), n_vocab, out) != n_vocab)
      fail("cannot write", argv[3]);
  if (fclose(out) != 0) fail("cannot write", argv[3]);
  llama_batch_free(batch);
  llama_free(context);
  llama_model_free(model);
  return 0;
}
