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

struct Pieces {
  std::vector<Piece> list;
  std::uint64_t total_bytes = 0;
  std::uint64_t largest_bytes = 0;
};

Pieces cut(const TensorPlan& plan, const PieceSize& size) {
  Pieces out;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const TensorEntry& tensor = plan[i].entry;
    const std::uint64_t n_elements = tensor.n_elements();
    const std::uint64_t step = elements_per_piece(tensor, size);
    for (std::uint64_t first = 0; first < n_elements; first += step) {
      out.list.push_back({i, first, std::min(step, n_elements - first)});
      out.largest_bytes =
          std::max(out.largest_bytes, bytes_of(tensor.type, out.list.back().n_elements));
    }
    out.total_bytes += bytes_of(tensor.type, n_elements);
  }
  return out;
}

}  // namespace

Status write_pieces(const TensorPlan& plan, const PieceSize& size, int n_threads,
                    ModelOutput& output, const ConvertProgress& progress, const MakePiece& make) {
  if (n_threads <= 0) n_threads = usable_processors();
  NEMO_ASSIGN(const auto pool, ThreadPool::create(n_threads));
  std::uint64_t done_bytes = 0;
  const Pieces cuts = cut(plan, size);
  const std::vector<Piece>& pieces = cuts.list;
  std::vector<std::vector<std::byte>> buffers(static_cast<std::size_t>(n_threads));
  for (auto& buffer : buffers) buffer.resize(cuts.largest_bytes);
  SharedStatus status;
  const auto run = [&](const Piece& piece, int thread) {
    const TensorType type = plan[piece.tensor].entry.type;
    const std::span<std::byte> out = std::span(buffers[static_cast<std::size_t>(thread)])
                                         .first(bytes_of(type, piece.n_elements));
    // Memory may run out here, and an exception cannot leave a thread of the pool.
    Status made;
    try {
      made = make(piece, out, thread);
    } catch (const std::bad_alloc&) {
      made = Status(StatusCode::kOutOfMemory, "an allocation failed");
    }
    if (made.is_ok()) made = output.write(piece.tensor, bytes_of(type, piece.first_element), out);
    status.set(std::move(made));
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
    if (progress && progress(done_bytes, cuts.total_bytes) != 0)
      return {StatusCode::kCancelled, "cancelled by the progress callback"};
  }
  return Status::ok();
}

}  // namespace nemotron
