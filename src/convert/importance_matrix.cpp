// Of each matrix NAME the file has three tensors in F32: NAME.in_sum2 [n_columns], NAME.counts [1],
// and, which others do not know and pass over, NAME.in_max [1].
#include "convert/importance_matrix.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "base/text.h"
#include "gguf/gguf.h"
#include "gguf/gguf_writer.h"

namespace nemotron {
namespace {

constexpr std::string_view kSums = ".in_sum2";
constexpr std::string_view kCounts = ".counts";
constexpr std::string_view kLargest = ".in_max";
constexpr std::string_view kDatasetsKey = "imatrix.datasets";
constexpr std::string_view kChunkCountKey = "imatrix.chunk_count";
constexpr std::string_view kChunkSizeKey = "imatrix.chunk_size";
constexpr std::uint64_t kMaxMatrixBytes = std::uint64_t{1} << 30;

Status bad_file(const DataSource& source, std::string_view what) {
  return {StatusCode::kBadFile, join("'", source.name(), "' ", what)};
}

Result<std::vector<float>> read_floats(const DataSource& source, const TensorEntry& tensor) {
  if (tensor.type != TensorType::kF32)
    return bad_file(source, join("holds '", tensor.name, "' as ", traits(tensor.type).name,
                                 "; sums and counts are F32"));
  std::vector<float> values(tensor.n_elements());
  NEMO_TRY(source.read_at(tensor.offset_bytes, std::as_writable_bytes(std::span(values))));
  for (const float value : values)
    if (!std::isfinite(value) || value < 0.0f)
      return bad_file(source, join("holds ", value, " in '", tensor.name,
                                   "', where no number is negative or infinite"));
  return values;
}

// The name of the matrix when `name` is one with this ending, else empty.
std::string_view without(std::string_view name, std::string_view ending) {
  return name.ends_with(ending) ? name.substr(0, name.size() - ending.size()) : std::string_view();
}

// Where a file splits a matrix (by experts), each part has a count: as one matrix, with the mean of
// each part and a count of 1. False when a mean is out of range, which needs a count below 1.
bool merge_parts(std::vector<float>& sums, const std::vector<float>& counts) {
  const std::size_t n = sums.size() / counts.size();
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const float count = counts[i / n];
    sums[i] = count > 0.0f ? sums[i] / count : 1.0f;
    if (!std::isfinite(sums[i])) return false;
  }
  return true;
}

Status read_entries(const DataSource& source, const GgufFile& file, ImportanceMatrix& out) {
  std::map<std::string_view, const TensorEntry*> tensors;
  for (const TensorEntry& tensor : file.tensors) tensors.emplace(tensor.name, &tensor);
  const auto find = [&](std::string_view matrix, std::string_view ending) {
    const auto found = tensors.find(join(matrix, ending));
    return found == tensors.end() ? nullptr : found->second;
  };
  for (const TensorEntry& tensor : file.tensors) {
    const std::string_view matrix = without(tensor.name, kSums);
    if (matrix.empty()) continue;
    const TensorEntry* counts_tensor = find(matrix, kCounts);
    if (counts_tensor == nullptr)
      return bad_file(source, join("has '", tensor.name, "' without its counts"));
    ImportanceMatrix::Entry entry;
    NEMO_ASSIGN(entry.sums, read_floats(source, tensor));
    NEMO_ASSIGN(const std::vector<float> counts, read_floats(source, *counts_tensor));
    if (entry.sums.empty() || counts.empty() || entry.sums.size() % counts.size() != 0)
      return bad_file(source, join("has ", counts.size(), " counts for ", entry.sums.size(),
                                   " sums of '", matrix, "'"));
    entry.n_rows = std::round(counts[0]);
    if (counts.size() > 1) {
      if (!merge_parts(entry.sums, counts))
        return bad_file(source,
                        join("has sums and counts of '", matrix, "' whose mean is infinite"));
      entry.n_rows = 1.0f;
    }
    if (const TensorEntry* largest = find(matrix, kLargest); largest != nullptr) {
      NEMO_ASSIGN(const std::vector<float> values, read_floats(source, *largest));
      if (values.size() == 1) entry.largest = values[0];
    }
    out.entries.emplace(matrix, std::move(entry));
  }
  return Status::ok();
}

TensorEntry vector_entry(std::string name, std::uint64_t n) {
  TensorEntry out;
  out.name = std::move(name);
  out.n_dims = 1;
  out.shape[0] = n;
  return out;
}

}  // namespace

Result<std::vector<float>> ImportanceMatrix::importance(std::string_view matrix,
                                                        std::uint64_t n_columns) const {
  const auto found = entries.find(matrix);
  if (found == entries.end()) return std::vector<float>();
  const Entry& entry = found->second;
  if (entry.sums.size() != n_columns)
    return Status{StatusCode::kConfigMismatch,
                  join("the importance matrix has ", entry.sums.size(), " columns for '", matrix,
                       "', the model ", n_columns)};
  std::vector<float> out(entry.sums.size(), 1.0f);  // nothing seen: all matter alike
  if (entry.n_rows > 0.0f)
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = entry.sums[i] / entry.n_rows;
  return out;
}

Result<ImportanceMatrix> read_importance_matrix(const DataSource& source) {
  NEMO_ASSIGN(const bool is_gguf, has_gguf_magic(source));
  if (!is_gguf)
    return bad_file(source, "is no importance matrix in GGUF (the older .dat form is not read)");
  if (source.size_bytes() > kMaxMatrixBytes)
    return bad_file(source, "is too long for an importance matrix");
  auto file = read_gguf(source);
  if (!file.is_ok()) return std::move(file).status().with_prefix(join("'", source.name(), "'"));
  ImportanceMatrix out;
  for (const std::string_view key : {kDatasetsKey, kChunkCountKey, kChunkSizeKey})
    if (file->find(key) == nullptr)
      return bad_file(source, join("is no importance matrix: the key '", key, "' lacks"));
  NEMO_ASSIGN(out.datasets, file->get_strings(kDatasetsKey));
  NEMO_ASSIGN(const std::uint64_t n_chunks, file->get_uint(kChunkCountKey));
  NEMO_ASSIGN(const std::uint64_t chunk_tokens, file->get_uint(kChunkSizeKey));
  out.n_chunks = static_cast<std::uint32_t>(std::min<std::uint64_t>(n_chunks, UINT32_MAX));
  out.chunk_tokens = static_cast<std::uint32_t>(std::min<std::uint64_t>(chunk_tokens, UINT32_MAX));
  NEMO_TRY(read_entries(source, file.value(), out));
  if (out.entries.empty()) return bad_file(source, "has no sums of squares");
  return out;
}

Result<ImportanceMatrix> read_importance_matrix(const std::string& path) {
  NEMO_ASSIGN(const auto source, open_file(path));
  return read_importance_matrix(*source);
}

Status write_importance_matrix(const std::string& path, const ImportanceMatrix& matrix) {
  GgufMetadata metadata;
  metadata.set_string("general.type", "imatrix");
  metadata.set_strings(kDatasetsKey, matrix.datasets);
  metadata.set_uint32(kChunkCountKey, matrix.n_chunks);
  metadata.set_uint32(kChunkSizeKey, matrix.chunk_tokens);
  TensorTable tensors;
  std::vector<std::span<const float>> values;
  for (const auto& [name, entry] : matrix.entries) {
    tensors.push_back(vector_entry(join(name, kSums), entry.sums.size()));
    values.emplace_back(entry.sums);
    tensors.push_back(vector_entry(join(name, kCounts), 1));
    values.emplace_back(&entry.n_rows, 1);
    tensors.push_back(vector_entry(join(name, kLargest), 1));
    values.emplace_back(&entry.largest, 1);
  }
  NEMO_ASSIGN(const auto output, create_gguf(path, metadata, std::move(tensors)));
  for (std::size_t i = 0; i < values.size(); ++i)
    NEMO_TRY(output->write(i, 0, std::as_bytes(values[i])));
  return output->finish();
}

}  // namespace nemotron
