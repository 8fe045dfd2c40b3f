// Making model files: nemo_model_*.
#include "api/guard.h"
#include "api/marshal.h"
#include "convert/quantize_model.h"
#include "convert/synthesize.h"

namespace nemotron::api {

namespace {

ConvertProgress make_progress(nemo_progress_callback callback, void* user) {
  if (callback == nullptr) return {};
  return [=](std::uint64_t done, std::uint64_t total) { return callback(done, total, user); };
}

Status synthesize_model(const char* path, const nemo_synthesize_options* user_options) {
  if (path == nullptr) return null_argument("path");
  nemo_synthesize_options from;
  NEMO_TRY(read_struct(user_options, "options", from));
  NEMO_TRY(check_threads(from.n_threads));
  SynthesizeOptions options;
  if (from.shape != nullptr) options.shape = from.shape;
  if (from.type != nullptr) options.type = from.type;
  if (from.tokenizer_path != nullptr) options.tokenizer_path = from.tokenizer_path;
  options.seed = from.seed;
  options.n_threads = static_cast<int>(from.n_threads);
  options.progress = make_progress(from.on_progress, from.progress_user);
  return synthesize(path, options);
}

Status quantize_file(const char* input, const char* output,
                     const nemo_quantize_options* user_options) {
  if (input == nullptr) return null_argument("input");
  if (output == nullptr) return null_argument("output");
  nemo_quantize_options from;
  NEMO_TRY(read_struct(user_options, "options", from));
  NEMO_TRY(check_threads(from.n_threads));
  QuantizeOptions options;
  if (from.type != nullptr) options.type = from.type;
  options.n_threads = static_cast<int>(from.n_threads);
  options.progress = make_progress(from.on_progress, from.progress_user);
  return quantize_model(input, output, options);
}

}  // namespace

}  // namespace nemotron::api

using namespace nemotron::api;

extern "C" nemo_status nemo_model_synthesize(const char* path,
                                             const nemo_synthesize_options* options,
                                             nemo_error* err) {
  return guarded(err, [&] { return synthesize_model(path, options); });
}

extern "C" nemo_status nemo_model_quantize(const char* input, const char* output,
                                           const nemo_quantize_options* options, nemo_error* err) {
  return guarded(err, [&] { return quantize_file(input, output, options); });
}
