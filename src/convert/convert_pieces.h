// The loop that synthesizing and quantizing share: a plan is cut into pieces of whole rows or
// blocks, threads work on them, and the calling thread reports between batches of pieces.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/result.h"
#include "convert/model_output.h"
#include "convert/tensor_plan.h"

namespace nemotron {

// Told the bytes of tensors that are done; non-zero cancels. Called on the calling thread.
using ConvertProgress = std::function<std::int32_t(std::uint64_t done, std::uint64_t total)>;

struct Piece {
  std::size_t tensor = 0;  // in the plan
  std::uint64_t first_element = 0;
  std::uint64_t n_elements = 0;
};

// Makes the bytes of a piece. Called by several threads at once; `thread` counts them.
using MakePiece = std::function<Status(const Piece& piece, std::span<std::byte> out, int thread)>;

struct PieceSize {
  std::uint64_t max_elements = 0;  // a multiple of 256
  bool whole_rows = false;         // pieces begin where rows do; a longer row is one piece
};

// Looks at a piece, as MakePiece makes one.
using VisitPiece = std::function<Status(const Piece& piece, int thread)>;

std::uint64_t total_bytes(const TensorPlan& plan);

// 0 threads: one per usable processor. kCancelled, what `visit` says, kOutOfMemory.
Status visit_pieces(const TensorPlan& plan, const PieceSize& size, int n_threads,
                    const ConvertProgress& progress, const VisitPiece& visit);

// Makes and writes all. As visit_pieces(), and what `output` says.
Status write_pieces(const TensorPlan& plan, const PieceSize& size, int n_threads,
                    ModelOutput& output, const ConvertProgress& progress, const MakePiece& make);

}  // namespace nemotron
