// A consumer in C++: says what a model is.
#include <cstdio>
#include <nemotron/nemotron.hpp>

int main(int argc, char** argv) try {
  if (argc != 2 || nemotron::version() != NEMO_VERSION_NUMBER) return 2;
  const nemotron::Context context =
      nemotron::Context::load(argv[1], {.flags = NEMO_LOAD_NO_WEIGHTS});
  const nemo_model_info info = context.model_info();
  std::printf("%s: %u layers %s, %u tokens\n", NEMO_VERSION_STRING, info.n_layers,
              nemo_context_layer_pattern(context.get()), info.n_vocab);
} catch (const nemotron::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
