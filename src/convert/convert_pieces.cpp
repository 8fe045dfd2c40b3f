#include "convert/convert_pieces.h"

#include <algorithm>
#include <new>
#include <vector>

#include "threading/shared_status.h"
#include "threading/thread_pool.h"

namespace nemotron {
namespace {

std::uint64_t bytes_of(TensorType type, std::uint64_t n_elements) {
  return n_elements / traits(type).block_elements * traits(type).block_bytes;
}

std::uint64_t elements_per_piece(const TensorEntry& tensor, const PieceSize& size) {
  const std::uint64_t n_columns = tensor.n_dims == 0 ? 1 : tensor.dims().back();
  if (!size.whole_rows || n_columns == 0) return size.max_elements;
  return std::max<std::uint64_t>(size.max_elements / n_columns, 1) * n_columns;
}

std::vector<Piece> cut(const TensorPlan& plan, const PieceSize& size) {
  std::vector<Piece> out;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const std::uint64_t n_elements = plan[i].entry.n_elements();
    const std::uint64_t step = elements_per_piece(plan[i].entry, size);
    for (std::uint64_t first = 0; first < n_elements; first += step)
      out.push_back({i, first, std::min(step, n_elements - first)});
  }
  return out;
}

}  // namespace

std::uint64_t total_bytes(const TensorPlan& plan) {
  std::uint64_t total = 0;
  for (const PlannedTensor& tensor : plan)
    total += bytes_of(tensor.entry.type, tensor.entry.n_elements());
  return total;
}

Status visit_pieces(const TensorPlan& plan, const PieceSize& size, int n_threads,
                    const ConvertProgress& progress, const VisitPiece& visit) {
  if (n_threads <= 0) n_threads = usable_processors();
  NEMO_ASSIGN(const auto pool, ThreadPool::create(n_threads));
  const std::vector<Piece> pieces = cut(plan, size);
  const std::uint64_t all_bytes = total_bytes(plan);
  std::uint64_t done_bytes = 0;
  SharedStatus status;
  // Memory may run out here, and an exception cannot leave a thread of the pool.
  const auto run = [&](const Piece& piece, int thread) {
    try {
      status.set(visit(piece, thread));
    } catch (const std::bad_alloc&) {
      status.set(Status(StatusCode::kOutOfMemory, "an allocation failed"));
    }
  };
  const std::size_t batch_size = static_cast<std::size_t>(n_threads) * 4;
  for (std::size_t first = 0; first < pieces.size(); first += batch_size) {
    const std::size_t n = std::min(batch_size, pieces.size() - first);
    pool->parallel_for(static_cast<std::int64_t>(n), 1,
                       [&](std::int64_t begin, std::int64_t end, int thread) {
                         for (std::int64_t i = begin; i < end; ++i)
                           run(pieces[first + static_cast<std::size_t>(i)], thread);
                       });
    NEMO_TRY(status.take());
    for (std::size_t i = first; i < first + n; ++i)
      done_bytes += bytes_of(plan[pieces[i].tensor].entry.type, pieces[i].n_elements);
    if (progress && progress(done_bytes, all_bytes) != 0)
      return {StatusCode::kCancelled, "cancelled by the progress callback"};
  }
  return Status::ok();
}

Status write_pieces(const TensorPlan& plan, const PieceSize& size, int n_threads,
                    ModelOutput& output, const ConvertProgress& progress, const MakePiece& make) {
  if (n_threads <= 0) n_threads = usable_processors();
  std::vector<std::vector<std::byte>> buffers(static_cast<std::size_t>(n_threads));
  return visit_pieces(plan, size, n_threads, progress, [&](const Piece& piece, int thread) {
    const TensorType type = plan[piece.tensor].entry.type;
    std::vector<std::byte>& buffer = buffers[static_cast<std::size_t>(thread)];
    buffer.resize(bytes_of(type, piece.n_elements));
    NEMO_TRY(make(piece, buffer, thread));
    return output.write(piece.tensor, bytes_of(type, piece.first_element), buffer);
  });
}

}  // namespace nemotron
