// How much each input column of each matrix matters: sums of squares of what the products of a
// model read, and the file for them, which llama.cpp's imatrix writes and its quantizer reads
// (GGUF).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/data_source.h"

namespace nemotron {

struct ImportanceMatrix {
  struct Entry {
    std::vector<float> sums;  // of squares, one per input column
    float n_rows = 0.0f;      // that were added up
    float largest = 0.0f;     // |input| over all rows and columns; 0 where the file does not say
  };

  std::map<std::string, Entry, std::less<>> entries;  // by the GGUF name of the matrix
  std::vector<std::string> datasets;                  // what the text was
  std::uint32_t n_chunks = 0;
  std::uint32_t chunk_tokens = 0;

  // The mean square of each input column of a matrix; empty when nothing is known of it.
  // kConfigMismatch when it has another number of columns.
  Result<std::vector<float>> importance(std::string_view matrix, std::uint64_t n_columns) const;
};

// kBadFile for what is no importance matrix or holds a number that cannot be a sum of squares, and
// what reading a GGUF gives.
Result<ImportanceMatrix> read_importance_matrix(const DataSource& source);
Result<ImportanceMatrix> read_importance_matrix(const std::string& path);
// kFileWrite.
Status write_importance_matrix(const std::string& path, const ImportanceMatrix& matrix);

}  // namespace nemotron
