// mmap and madvise.
#include "io/mapped_bytes.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/text.h"
#include "io/system_error.h"

namespace nemotron {

Result<std::shared_ptr<const MappedBytes>> MappedBytes::of_file(int descriptor,
                                                                std::uint64_t size_bytes,
                                                                std::string name) {
  std::shared_ptr<MappedBytes> mapped(new MappedBytes({}, std::move(name)));
  if (size_bytes == 0) return std::shared_ptr<const MappedBytes>(std::move(mapped));
  void* memory = ::mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED) {
    const int error = errno;
    if (error != ENOMEM) return cannot_read("map", mapped->name_, error);
    return Status{StatusCode::kOutOfMemory,
                  join("no addresses for the ", size_bytes, " bytes of '", mapped->name_, "'")};
  }
  mapped->bytes_ = {static_cast<const std::byte*>(memory), size_bytes};
  mapped->is_file_ = true;
  return std::shared_ptr<const MappedBytes>(std::move(mapped));
}

std::shared_ptr<const MappedBytes> MappedBytes::of_memory(std::span<const std::byte> bytes,
                                                          std::string name) {
  return std::shared_ptr<const MappedBytes>(new MappedBytes(bytes, std::move(name)));
}

MappedBytes::~MappedBytes() {
  if (is_file_) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

Status MappedBytes::bring_in(std::uint64_t offset, std::uint64_t size_bytes) const {
  if (!is_file_ || size_bytes == 0) return Status::ok();
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t skipped = offset % page;  // pages begin where the mapping begins
  void* first = const_cast<std::byte*>(bytes_.data() + offset - skipped);
  size_bytes += skipped;
  // Advice, for reads larger than those of page faults.
  (void)::madvise(first, size_bytes, MADV_WILLNEED);
#ifdef MADV_POPULATE_READ
  int error = 0;
  do {
    error = ::madvise(first, size_bytes, MADV_POPULATE_READ) == 0 ? 0 : errno;
  } while (error == EINTR);
  if (error == EFAULT)  // where a read would raise SIGBUS
    return cannot_read("read the pages of", name_, error, static_cast<std::int64_t>(offset));
  if (error == ENOMEM)
    return {StatusCode::kOutOfMemory, join("no memory for the pages of '", name_, "'")};
    // Anything else is an older kernel or a passing shortage: pages come with their first use.
#endif
  return Status::ok();
}

}  // namespace nemotron
