// Weights of the CUDA backend: as they are stored in a file, or packed on the device.
#include <algorithm>
#include <utility>

#include "backend/cuda/cuda_backend.h"
#include "kernels/common/linear_params.h"
#include "kernels/cuda/packed_layout.h"

namespace nemotron {

using namespace kernels::cuda;

namespace {

constexpr std::uint64_t kReportBytes = 16u << 20;  // read between two reports of progress
constexpr std::int64_t kStagingBytes = 8u << 20;   // of rows on their way to be packed

// Reads a matrix from its source and tells of progress.
class MatrixReader {
 public:
  explicit MatrixReader(const MatrixSource& source)
      : source_(source),
        size_bytes_(static_cast<std::uint64_t>(
            source.n_rows * kernels::row_bytes(source.type, source.n_columns))) {}

  std::uint64_t size_bytes() const { return size_bytes_; }
  Status read(std::uint64_t offset, std::span<std::byte> piece) {
    Status status = source_.read(offset, piece);
    const std::uint64_t n_read = offset + piece.size();
    if (!status.is_ok() || (n_read - n_reported_ < kReportBytes && n_read < size_bytes_))
      return status;
    return source_.progress(n_read - std::exchange(n_reported_, n_read));
  }

 private:
  const MatrixSource& source_;
  const std::uint64_t size_bytes_;
  std::uint64_t n_reported_ = 0;
};

}  // namespace

Result<Matrix> CudaBackend::upload(const MatrixSource& source) {
  Matrix matrix{{},
                source.type,
                source.n_rows,
                source.n_columns,
                source.weight_scale,
                fp8_weight_only_ ? 0.0f : source.input_scale};
  matrix.is_packed = memory_.is_packed(source);
  NEMO_ASSIGN(matrix.memory, allocate_unset(memory_.matrix_bytes(source)));
  if (matrix.is_packed) {
    NEMO_TRY(upload_packed(source, matrix.memory.data()));
    return matrix;
  }
  MatrixReader reader(source);
  NEMO_TRY(transfer_->fill(matrix.memory.data(), reader.size_bytes(),
                           [&](std::uint64_t offset, std::span<std::byte> piece) {
                             return reader.read(offset, piece);
                           }));
  return matrix;
}

// Whole tiles of rows go to a buffer on the device, and from there to their places.
Status CudaBackend::upload_packed(const MatrixSource& source, void* packed) {
  const std::int64_t row_bytes = kernels::row_bytes(source.type, source.n_columns);
  const std::int64_t most_rows =
      std::max<std::int64_t>(kStagingBytes / row_bytes / kChunkColumns, 1) * kChunkColumns;
  const std::int64_t staged_rows = std::min(most_rows, source.n_rows);
  NEMO_ASSIGN(const DeviceBuffer staging,
              allocate_unset(static_cast<std::size_t>(staged_rows * row_bytes)));
  MatrixReader reader(source);
  for (std::int64_t first = 0; first < source.n_rows; first += staged_rows) {
    PackWeightsArgs args;
    args.rows = staging.data();
    args.packed =
        static_cast<std::byte*>(packed) + packed_bytes(source.type, first, source.n_columns);
    args.row_bytes = row_bytes;
    args.n_rows = std::min(staged_rows, source.n_rows - first);
    args.n_columns = source.n_columns;
    args.type = source.type;
    const auto begin = static_cast<std::uint64_t>(first * row_bytes);
    NEMO_TRY(transfer_->fill(staging.data(), static_cast<std::uint64_t>(args.n_rows * row_bytes),
                             [&](std::uint64_t offset, std::span<std::byte> piece) {
                               return reader.read(begin + offset, piece);
                             }));
    NEMO_TRY(transfer_->run(launch_pack_weights(args)));
  }
  return Status::ok();
}

}  // namespace nemotron
