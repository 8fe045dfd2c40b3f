#include "convert/collect_importance.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "base/text.h"
#include "convert/observing_backend.h"
#include "engine/engine.h"
#include "session/session.h"

namespace nemotron {
namespace {

constexpr std::size_t kMaxStepRows = 512;

struct NamedMatrix {
  std::string name;
  const Matrix* matrix;
};

// The matrices of all layers, by the names that GGUF files give them.
std::vector<NamedMatrix> matrices_of(const ModelWeights& weights) {
  std::vector<NamedMatrix> out;
  for (std::size_t i = 0; i < weights.layers.size(); ++i) {
    const auto add = [&](TensorRole role, const Matrix& matrix) {
      out.push_back({tensor_name(NameStyle::gguf, {role, static_cast<int>(i)}), &matrix});
    };
    const auto& mixer = weights.layers[i].mixer;
    if (const auto* mamba2 = std::get_if<Mamba2Weights>(&mixer)) {
      add(TensorRole::in_proj, mamba2->in_proj);
      add(TensorRole::out_proj, mamba2->out_proj);
    } else if (const auto* attention = std::get_if<AttentionWeights>(&mixer)) {
      add(TensorRole::q_proj, attention->q_proj);
      add(TensorRole::k_proj, attention->k_proj);
      add(TensorRole::v_proj, attention->v_proj);
      add(TensorRole::o_proj, attention->o_proj);
    } else if (const auto* mlp = std::get_if<MlpWeights>(&mixer)) {
      add(TensorRole::up_proj, mlp->up_proj);
      add(TensorRole::down_proj, mlp->down_proj);
    }
  }
  return out;
}

struct Chunks {
  std::vector<std::int32_t> tokens;
  std::size_t chunk_tokens = 0;
  std::size_t n = 0;
};

Result<Chunks> cut(const Tokenizer& tokenizer, const std::string& text,
                   const CollectOptions& options) {
  Chunks out;
  if (tokenizer.adds_bos()) out.tokens.push_back(tokenizer.bos_id());
  NEMO_TRY(tokenizer.encode(text, /*parse_special=*/false, out.tokens));
  if (text.empty() || out.tokens.empty())
    return Status{StatusCode::kInvalidArgument, "the text has no tokens"};
  out.chunk_tokens = std::min<std::size_t>(options.chunk_tokens, out.tokens.size());
  out.n = out.tokens.size() / out.chunk_tokens;
  if (options.max_chunks > 0) out.n = std::min<std::size_t>(out.n, options.max_chunks);
  if (tokenizer.adds_bos())
    for (std::size_t i = 0; i < out.n; ++i) out.tokens[i * out.chunk_tokens] = tokenizer.bos_id();
  return out;
}

Result<ImportanceMatrix> to_matrix(const ObservingBackend& backend,
                                   const std::vector<NamedMatrix>& matrices) {
  ImportanceMatrix out;
  for (const auto& [name, matrix] : matrices) {
    const InputStatistics& seen = backend.statistics(*matrix);
    ImportanceMatrix::Entry entry;
    for (const double sum : seen.sums_of_squares) {
      entry.sums.push_back(static_cast<float>(sum));
      if (!std::isfinite(entry.sums.back()))
        return Status{StatusCode::kBadFile,
                      join("the inputs of '", name, "' are not finite, or too large to square")};
    }
    entry.n_rows = static_cast<float>(seen.n_rows);
    entry.largest = seen.largest;
    out.entries.emplace(name, std::move(entry));
  }
  return out;
}

}  // namespace

Result<ImportanceMatrix> collect_importance(const ModelFile& file, const Tokenizer& tokenizer,
                                            std::unique_ptr<Backend> backend,
                                            const std::string& text,
                                            const CollectOptions& options) {
  NEMO_ASSIGN(const Chunks chunks, cut(tokenizer, text, options));
  const std::uint64_t total = chunks.n * chunks.chunk_tokens;
  const auto report = [&](std::uint64_t done) {
    return options.progress ? options.progress(done, total) : 0;
  };
  auto observing = std::make_unique<ObservingBackend>(std::move(backend));
  ObservingBackend& observer = *observing;
  EngineOptions engine_options;
  engine_options.max_step_rows = static_cast<int>(std::min(chunks.chunk_tokens, kMaxStepRows));
  engine_options.snapshot_bytes = 0;  // each token is to be computed
  NEMO_ASSIGN(const auto engine,
              Engine::create(file, std::move(observing), engine_options,
                             [&](std::uint64_t, std::uint64_t) { return report(0); }));
  const std::vector<NamedMatrix> matrices = matrices_of(engine->weights());
  for (const NamedMatrix& matrix : matrices) observer.observe(*matrix.matrix);
  Session::Options session_options;
  session_options.max_tokens = static_cast<std::int64_t>(chunks.chunk_tokens);
  NEMO_ASSIGN(const auto session, Session::create(engine, session_options));
  for (std::size_t i = 0; i < chunks.n; ++i) {
    NEMO_TRY(session->reset());
    NEMO_TRY(session->eval(
        std::span(chunks.tokens).subspan(i * chunks.chunk_tokens, chunks.chunk_tokens), {}));
    if (report((i + 1) * chunks.chunk_tokens) != 0)
      return Status{StatusCode::kCancelled, "cancelled by the progress callback"};
  }
  NEMO_ASSIGN(ImportanceMatrix out, to_matrix(observer, matrices));
  out.n_chunks = static_cast<std::uint32_t>(chunks.n);
  out.chunk_tokens = static_cast<std::uint32_t>(chunks.chunk_tokens);
  return out;
}

}  // namespace nemotron
