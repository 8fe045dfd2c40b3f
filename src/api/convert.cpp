// Making model files: nemo_model_*.
#include <string>
#include <utility>

#include "api/guard.h"
#include "api/isa.h"
#include "api/marshal.h"
#include "api/model_tokenizer.h"
#include "backend/cpu/cpu_backend.h"
#include "base/text.h"
#include "convert/collect_importance.h"
#include "convert/importance_matrix.h"
#include "convert/quantize_model.h"
#include "convert/synthesize.h"
#include "formats/open_model.h"
#include "io/data_source.h"

namespace nemotron::api {

namespace {

constexpr std::uint32_t kMaxChunkTokens = 32768;
constexpr std::uint64_t kMaxTextBytes = std::uint64_t{1} << 30;

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
  if (from.imatrix_path != nullptr) options.imatrix_path = from.imatrix_path;
  if (from.tokenizer_path != nullptr) options.tokenizer_path = from.tokenizer_path;
  options.n_threads = static_cast<int>(from.n_threads);
  options.progress = make_progress(from.on_progress, from.progress_user);
  return quantize_model(input, output, options);
}

Result<CollectOptions> collect_options(const nemo_imatrix_options& from) {
  if (from.reserved != 0) return Status{StatusCode::kInvalidArgument, "reserved is not 0"};
  if (from.chunk_tokens > kMaxChunkTokens)
    return Status{StatusCode::kInvalidArgument,
                  join("chunk_tokens ", from.chunk_tokens, " is more than ", kMaxChunkTokens)};
  CollectOptions options;
  if (from.chunk_tokens > 0) options.chunk_tokens = from.chunk_tokens;
  options.max_chunks = from.max_chunks;
  options.progress = make_progress(from.on_progress, from.progress_user);
  return options;
}

Result<std::string> read_text_file(const std::string& path) {
  NEMO_ASSIGN(const auto source, open_file(path));
  return read_all(*source, kMaxTextBytes);
}

Status make_imatrix(const char* model, const char* text_path, const char* output,
                    const nemo_imatrix_options* user_options) {
  if (model == nullptr) return null_argument("model");
  if (text_path == nullptr) return null_argument("text_path");
  if (output == nullptr) return null_argument("output");
  nemo_imatrix_options from;
  NEMO_TRY(read_struct(user_options, "options", from));
  NEMO_TRY(check_threads(from.n_threads));
  NEMO_ASSIGN(const CollectOptions options, collect_options(from));
  NEMO_ASSIGN(const kernels::KernelTable* kernels, choose_kernels(from.isa));
  NEMO_ASSIGN(const ModelFile file, open_model(model));
  if (!file.tokenizer().has_tokenizer())
    return {StatusCode::kState, join("'", model, "' has no tokenizer to read a text with")};
  NEMO_ASSIGN(const Tokenizer tokenizer, make_tokenizer(file));
  NEMO_ASSIGN(const std::string text, read_text_file(text_path));
  NEMO_ASSIGN(auto backend, make_cpu_backend({static_cast<int>(from.n_threads), kernels}));
  NEMO_ASSIGN(ImportanceMatrix matrix,
              collect_importance(file, tokenizer, std::move(backend), text, options));
  matrix.datasets = {text_path};
  return write_importance_matrix(output, matrix);
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

extern "C" nemo_status nemo_model_imatrix(const char* model, const char* text_path,
                                          const char* output, const nemo_imatrix_options* options,
                                          nemo_error* err) {
  return guarded(err, [&] { return make_imatrix(model, text_path, output, options); });
}
