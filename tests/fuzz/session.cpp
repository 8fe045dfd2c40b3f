// Saved sessions, restored from memory on a fixed model: the input is the file, taken as it is and
// with all that only tells accidents put right (versions, fingerprint, checksums, offsets), so that
// what lies behind them is reached. It must be refused, or give a session that works.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "io/checksum.h"
#include "model_files.h"

namespace {

constexpr std::size_t kHeaderBytes = 48, kSectionBytes = 32;  // session/saved_format.h
constexpr std::size_t kFileBytesAt = 24, kSectionCountAt = 32, kChecksumAt = 40;

struct Free {
  void operator()(nemo_context* context) const { nemo_context_free(context); }
  void operator()(nemo_session* session) const { nemo_session_free(session); }
};
using Context = std::unique_ptr<nemo_context, Free>;
using Session = std::unique_ptr<nemo_session, Free>;
using Bytes = std::vector<std::uint8_t>;

// Memory for states, which replay.cpp does not see: counted, against the size of the file.
std::size_t live_bytes = 0, max_live_bytes = SIZE_MAX;

void* allocate(std::size_t size, std::size_t alignment, void*) {
  live_bytes += size;
  if (live_bytes > max_live_bytes) fuzz::broken_promise("too much memory", NEMO_ERROR_INIT);
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}
void release(void* memory, std::size_t size, std::size_t, void*) {
  live_bytes -= size;
  std::free(memory);
}

Context load() {
  const fuzz::File files[] = {{"model.safetensors", fuzz::fixed_file("model.safetensors")},
                              {"config.json", fuzz::fixed_file("session_model_config.json")}};
  const auto memory = fuzz::in_memory(files);
  nemo_allocator allocator = NEMO_ALLOCATOR_INIT;
  allocator.allocate = allocate;
  allocator.release = release;
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = 1;
  options.max_step_rows = 16;
  options.allocator = &allocator;
  nemo_context* context = nullptr;
  nemo_error error = NEMO_ERROR_INIT;
  if (nemo_context_load_memory(memory.data(), memory.size(), sizeof(nemo_memory_file), &options,
                               &context, &error) != NEMO_OK)
    fuzz::broken_promise("the fixed model cannot be loaded", error);
  return Context(context);
}

void require(nemo_status status, const nemo_error& error, const char* what) {
  fuzz::check(status, error, what);
  if (status != NEMO_OK) fuzz::broken_promise(what, error);
}

// Without snapshots, which the context may have from another session with the same beginning.
Bytes save(nemo_session* session) {
  nemo_save_options options = NEMO_SAVE_OPTIONS_INIT;
  options.flags = NEMO_SAVE_NO_SNAPSHOTS;
  nemo_error error = NEMO_ERROR_INIT;
  std::size_t size = 0;
  (void)nemo_session_save_memory(session, &options, nullptr, 0, &size, &error);
  Bytes bytes(size);
  require(nemo_session_save_memory(session, &options, bytes.data(), size, &size, &error), error,
          "save");
  return bytes;
}

Bytes save_empty(nemo_context* context) {
  nemo_session* session = nullptr;
  nemo_error error = NEMO_ERROR_INIT;
  require(nemo_session_create(context, nullptr, &session, &error), error, "create");
  const Session owner(session);
  return save(session);
}

Session restore(nemo_context* context, std::span<const std::uint8_t> bytes, std::uint32_t flags) {
  nemo_restore_options options = NEMO_RESTORE_OPTIONS_INIT;
  options.flags = flags;
  nemo_session* session = nullptr;
  nemo_error error = NEMO_ERROR_INIT;
  const nemo_status status =
      nemo_session_restore_memory(context, bytes.data(), bytes.size(), &options, &session, &error);
  fuzz::check(status, error, "restore");
  if ((status == NEMO_OK) != (session != nullptr))
    fuzz::broken_promise("a session and an error", error);
  return Session(session);
}

template <typename Number>
Number number_at(const Bytes& bytes, std::size_t offset) {
  Number number;
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}
template <typename Number>
void put(Bytes& bytes, std::size_t offset, Number number) {
  std::memcpy(bytes.data() + offset, &number, sizeof number);
}

// `genuine` is a saved session of the same context.
Bytes sealed(Bytes bytes, const Bytes& genuine) {
  if (bytes.size() < kHeaderBytes) return bytes;
  std::copy_n(genuine.begin(), kFileBytesAt, bytes.begin());
  put(bytes, kFileBytesAt, static_cast<std::uint64_t>(bytes.size()));
  const auto n_sections = std::min<std::size_t>(number_at<std::uint32_t>(bytes, kSectionCountAt),
                                                (bytes.size() - kHeaderBytes) / kSectionBytes);
  std::size_t offset = kHeaderBytes + n_sections * kSectionBytes;
  for (std::size_t i = 0; i < n_sections; ++i) {
    const std::size_t entry = kHeaderBytes + i * kSectionBytes;
    const auto size = number_at<std::uint64_t>(bytes, entry + 16);
    put(bytes, entry + 8, static_cast<std::uint64_t>(offset));
    if (size > bytes.size() - offset) break;
    const auto section = std::as_bytes(std::span(bytes)).subspan(offset, size);
    put(bytes, entry + 24, nemotron::checksum_of(section));
    offset += size;
  }
  put(bytes, kChecksumAt, std::uint64_t{0});
  const auto head =
      std::as_bytes(std::span(bytes)).first(kHeaderBytes + n_sections * kSectionBytes);
  put(bytes, kChecksumAt, nemotron::checksum_of(head));
  return bytes;
}

// What every session can do, one after the other.
void use(nemo_context* context, nemo_session* session) {
  const Bytes saved = save(session);
  const Session again = restore(context, saved, 0);
  if (again == nullptr || save(again.get()) != saved)
    fuzz::broken_promise("a session changed when it was saved", NEMO_ERROR_INIT);
  nemo_error error = NEMO_ERROR_INIT;
  const std::int32_t token = 3;
  std::array<float, 8> logits{};
  nemo_status status = nemo_session_eval(session, &token, 1, logits.data(), logits.size(), &error);
  if (status != NEMO_E_CONTEXT_FULL) require(status, error, "eval");
  nemo_session* fork = nullptr;
  require(nemo_session_fork(session, &fork, &error), error, "fork");
  const Session owner(fork);
  require(nemo_session_rewind(fork, nemo_session_position(fork) / 2, &error), error, "rewind");
  status = nemo_session_eval(fork, &token, 1, logits.data(), logits.size(), &error);
  if (status != NEMO_E_CONTEXT_FULL) require(status, error, "eval of the fork");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kFixedBytes = std::size_t{1} << 16, kBytesPerByte = 100;
  const Bytes bytes(data, data + size);
  // A file that is refused leaves nothing; behind others there is a new context, so that no input
  // depends on those before it.
  static Context context;
  static Bytes genuine;
  if (context == nullptr) {
    context = load();
    genuine = save_empty(context.get());
  }
  bool is_used = false;
  for (const Bytes& file : {bytes, sealed(bytes, genuine)}) {
    for (const std::uint32_t flags : {0u, std::uint32_t{NEMO_RESTORE_TOKENS_ONLY}}) {
      max_live_bytes = live_bytes + kFixedBytes + kBytesPerByte * size;
      const Session session = restore(context.get(), file, flags);
      max_live_bytes = SIZE_MAX;
      if (session != nullptr) use(context.get(), session.get());
      is_used = is_used || session != nullptr;
    }
  }
  if (is_used) context.reset();
  return 0;
}
