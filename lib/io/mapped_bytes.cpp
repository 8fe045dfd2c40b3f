// mmap and madvise.
#include "io/mapped_bytes.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace nemotron {

Result<std::shared_ptr<const MappedBytes>> MappedBytes::of_file(int descriptor,
                                                                std::uint64_t size_bytes,
                                                                std::string name) {
  std::shared_ptr<MappedBytes> mapped(new MappedBytes({}, std::move(name)));
  if (size_bytes == 0) return std::shared_ptr<const MappedBytes>(std::move(mapped));
  void* memory = ::mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED) {
    const int error = errno;
    return Status{
        error == ENOMEM ? StatusCode::kOutOfMemory : StatusCode::kFileRead,
        join("cannot map '", mapped->name_, "': ", std::generic_category().message(error))};
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
  while (::madvise(first, size_bytes, MADV_POPULATE_READ) != 0) {
    const int error = errno;
    if (error == EINTR || error == EAGAIN) continue;
    if (error == EINVAL) break;  // an older kernel: pages come with their first use
    if (error == ENOMEM)
      return {StatusCode::kOutOfMemory, join("no memory for the pages of '", name_, "'")};
    return {StatusCode::kFileChanged,  // EFAULT: a read would raise SIGBUS
            join("'", name_, "' became shorter than the ", bytes_.size(),
                 " bytes it had when it was opened, or cannot be read"),
            static_cast<std::int64_t>(offset)};
  }
#endif
  return Status::ok();
}

}  // namespace nemotron
