// Weights in the layout that products on tensor cores read, packed by the kernel for it.
#pragma once

#include <algorithm>

#include "kernels/cuda/packed_layout.h"
#include "kernels/stored_matrix.h"
#include "simt/run_launch.h"

namespace nemotron::test {

// Aligned as device memory is.
struct Packed {
  explicit Packed(const StoredMatrix& w)
      : words(at(kernels::cuda::packed_bytes(w.type, w.n_rows, w.n_columns) / 16 + 1)) {
    std::fill(words.begin(), words.end(), Word{{~0ull, ~0ull}});  // every byte is written
    kernels::cuda::PackWeightsArgs args;
    args.rows = w.bytes.data();
    args.packed = words.data();
    args.row_bytes = w.row_bytes;
    args.n_rows = w.n_rows;
    args.n_columns = w.n_columns;
    args.type = w.type;
    REQUIRE(simt::run_launch(kernels::cuda::launch_pack_weights(args)) == "");
    CHECK(words.back().halves[0] == ~0ull);  // and none behind
  }
  struct alignas(16) Word {
    std::uint64_t halves[2];
  };
  std::vector<Word> words;
};

}  // namespace nemotron::test
