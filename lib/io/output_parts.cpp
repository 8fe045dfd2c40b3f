#include "io/output_parts.h"

#include <utility>

#include "base/text.h"

namespace nemotron {

Result<std::unique_ptr<OutputParts>> OutputParts::create(const std::string& path,
                                                         std::uint64_t size_bytes,
                                                         std::span<const std::byte> header,
                                                         std::vector<Part> parts) {
  std::unique_ptr<OutputParts> out(new OutputParts);
  for (const Part& part : parts) out->total_bytes_ += part.size_bytes;
  NEMO_ASSIGN(out->file_, OutputFile::create(path, size_bytes));
  NEMO_TRY(out->file_->write_at(0, header));
  out->parts_ = std::move(parts);
  return out;
}

Status OutputParts::write(std::size_t index, std::uint64_t offset_bytes,
                          std::span<const std::byte> bytes) {
  const Part& part = parts_[index];
  if (offset_bytes > part.size_bytes || bytes.size() > part.size_bytes - offset_bytes)
    return {StatusCode::kInternal, join("writing behind the end of '", part.name, "'")};
  NEMO_TRY(file_->write_at(part.offset_bytes + offset_bytes, bytes));
  written_bytes_.fetch_add(bytes.size(), std::memory_order_relaxed);
  return Status::ok();
}

Status OutputParts::finish() {
  if (written_bytes_.load() != total_bytes_)
    return {StatusCode::kInternal, join("'", file_->path(), "' got ", written_bytes_.load(), " of ",
                                        total_bytes_, " bytes of its parts")};
  return file_->commit();
}

}  // namespace nemotron
