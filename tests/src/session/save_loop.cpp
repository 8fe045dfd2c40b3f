// Saves two sessions to one path by turns until it is killed: save_loop MODEL PATH. Writes a line
// when both are ready. The sessions hold 60 and 400 tokens; their ids are 1 and 2 alone.
#include <nemotron/nemotron.h>

#include <cstdint>
#include <cstdio>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  nemo_context* context = nullptr;
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = 1;
  nemo_session* sessions[2] = {};
  if (nemo_context_load(argv[1], &options, &context, nullptr) != NEMO_OK) return 3;
  for (int i = 0; i < 2; ++i) {
    const std::vector<std::int32_t> tokens(i == 0 ? 60 : 400, i + 1);
    if (nemo_session_create(context, nullptr, &sessions[i], nullptr) != NEMO_OK) return 4;
    if (nemo_session_eval(sessions[i], tokens.data(), tokens.size(), nullptr, 0, nullptr) !=
        NEMO_OK)
      return 5;
  }
  if (nemo_session_save(sessions[0], argv[2], nullptr, nullptr) != NEMO_OK) return 6;
  std::puts("ready");
  std::fflush(stdout);
  for (int i = 0;; i ^= 1)
    if (nemo_session_save(sessions[i], argv[2], nullptr, nullptr) != NEMO_OK) return 7;
}
