// Saving and restoring over the C interface: bad arguments, damaged bytes, and what follows.
#include <cstring>

#include "fixture.h"

using namespace no_escape;

namespace {

using Bytes = std::vector<unsigned char>;

Bytes save(nemo_session* session) {
  std::size_t n = 0;
  REQUIRE(nemo_session_save_memory(session, nullptr, nullptr, 0, &n, nullptr) ==
          NEMO_E_BUFFER_TOO_SMALL);
  Bytes bytes(n);
  REQUIRE(nemo_session_save_memory(session, nullptr, bytes.data(), n, &n, nullptr) == NEMO_OK);
  return bytes;
}

}  // namespace

TEST_CASE("a session that was saved and restored goes on as the one that was not") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  eval(session.get(), prompt());
  const Bytes bytes = save(session.get());
  nemo_session* restored = nullptr;
  REQUIRE(nemo_session_restore_memory(context.get(), bytes.data(), bytes.size(), nullptr, &restored,
                                      nullptr) == NEMO_OK);
  const Session owner(restored);
  CHECK(nemo_session_position(restored) == prompt().size());
  CHECK(same_bytes(eval(restored, {42, 43}), eval(session.get(), {42, 43})));
}

TEST_CASE("saving and restoring with arguments that cannot be") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  eval(session.get(), prompt());
  Bytes bytes = save(session.get());
  nemo_session* out = nullptr;
  std::size_t n = 0;
  nemo_save_options save_options = NEMO_SAVE_OPTIONS_INIT;
  save_options.max_snapshots = 65;
  nemo_save_options save_flags = NEMO_SAVE_OPTIONS_INIT;
  save_flags.flags = 2;
  nemo_restore_options restore_options = NEMO_RESTORE_OPTIONS_INIT;
  restore_options.max_tokens = 100000;
  nemo_restore_options restore_flags = NEMO_RESTORE_OPTIONS_INIT;
  restore_flags.flags = 2;
  nemo_context* c = context.get();
  nemo_session* s = session.get();
  const std::vector<nemo_status> invalid = {
      nemo_session_save(nullptr, "x", nullptr, nullptr),
      nemo_session_save(s, nullptr, nullptr, nullptr),
      nemo_session_save(s, "", nullptr, nullptr),
      nemo_session_save(s, "x", &save_options, nullptr),
      nemo_session_save(s, "x", &save_flags, nullptr),
      nemo_session_save_memory(nullptr, nullptr, nullptr, 0, &n, nullptr),
      nemo_session_save_memory(s, nullptr, bytes.data(), bytes.size(), nullptr, nullptr),
      nemo_session_restore(nullptr, "x", nullptr, &out, nullptr),
      nemo_session_restore(c, nullptr, nullptr, &out, nullptr),
      nemo_session_restore(c, "x", nullptr, nullptr, nullptr),
      nemo_session_restore_memory(nullptr, bytes.data(), bytes.size(), nullptr, &out, nullptr),
      nemo_session_restore_memory(c, nullptr, 5, nullptr, &out, nullptr),
      nemo_session_restore_memory(c, bytes.data(), bytes.size(), nullptr, nullptr, nullptr),
      nemo_session_restore_memory(c, bytes.data(), bytes.size(), &restore_options, &out, nullptr),
      nemo_session_restore_memory(c, bytes.data(), bytes.size(), &restore_flags, &out, nullptr),
  };
  for (std::size_t i = 0; i < invalid.size(); ++i) {
    INFO("call " << i);
    CHECK(std::string(nemo_status_string(invalid[i])) == "NEMO_E_INVALID_ARGUMENT");
  }
  Failure failure;
  restore_options.struct_size = 4;
  failure.check(nemo_session_restore(c, "x", &restore_options, &out, failure.out()),
                NEMO_E_STRUCT_SIZE);
  save_options.struct_size = 4;
  failure.check(nemo_session_save(s, "x", &save_options, failure.out()), NEMO_E_STRUCT_SIZE);
  failure.check(nemo_session_restore(c, "/no/such/file", nullptr, &out, failure.out()),
                NEMO_E_FILE_NOT_FOUND);
  failure.check(nemo_session_restore(c, "/tmp", nullptr, &out, failure.out()), NEMO_E_FILE_READ);
  const Bytes before(bytes.size(), 0x55);
  Bytes buffer = before;
  failure.check(
      nemo_session_save_memory(s, nullptr, buffer.data(), buffer.size() - 1, &n, failure.out()),
      NEMO_E_BUFFER_TOO_SMALL);
  CHECK(n == bytes.size());
  CHECK(buffer == before);
  CHECK(out == nullptr);
  CHECK(nemo_session_position(s) == prompt().size());
}

TEST_CASE("bytes that are no saved session, or a damaged one") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  eval(session.get(), prompt());
  Bytes bytes = save(session.get());
  nemo_session* out = nullptr;
  const auto restore = [&](nemo_error* error) {
    return nemo_session_restore_memory(context.get(), bytes.data(), bytes.size(), nullptr, &out,
                                       error);
  };
  Failure failure;
  bytes.back() ^= 1;
  failure.check(restore(failure.out()), NEMO_E_BAD_FILE);
  bytes.back() ^= 1;
  bytes[0] ^= 1;
  failure.check(restore(failure.out()), NEMO_E_UNSUPPORTED_FORMAT);
  bytes.clear();
  failure.check(restore(failure.out()), NEMO_E_UNSUPPORTED_FORMAT);
  const Bytes good = save(session.get());
  const Context other = load("gguf/tiny_chat.gguf");
  failure.check(nemo_session_restore_memory(other.get(), good.data(), good.size(), nullptr, &out,
                                            failure.out()),
                NEMO_E_MODEL_MISMATCH);
  CHECK(out == nullptr);
}

TEST_CASE("a session is not saved from inside its callback") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  struct Seen {
    nemo_session* session;
    nemo_status status;
  } seen{session.get(), NEMO_OK};
  nemo_generate_options options = NEMO_GENERATE_OPTIONS_INIT;
  options.max_tokens = 2;
  options.ignore_stop_tokens = 1;
  options.user = &seen;
  options.on_event = [](const nemo_generate_event*, void* user) -> std::int32_t {
    auto& s = *static_cast<Seen*>(user);
    std::size_t n = 0;
    s.status = nemo_session_save_memory(s.session, nullptr, nullptr, 0, &n, nullptr);
    return 0;
  };
  REQUIRE(nemo_session_generate(session.get(), prompt().data(), prompt().size(), &options, nullptr,
                                nullptr) == NEMO_OK);
  CHECK(seen.status == NEMO_E_REENTRANT);
}
