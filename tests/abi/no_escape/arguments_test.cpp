// NULLs, impossible numbers and structs of another size, for every function and every struct.
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

#include "fixture.h"

using namespace no_escape;

TEST_CASE("freeing and asking about nothing") {
  const Silence silence;
  nemo_context_free(nullptr);
  nemo_session_free(nullptr);
  CHECK(nemo_context_retain(nullptr) == nullptr);
  CHECK(nemo_context_layer_pattern(nullptr) == nullptr);
  CHECK(nemo_context_format(nullptr) == nullptr);
  CHECK(nemo_session_position(nullptr) == 0);
  CHECK(std::string(nemo_status_string(12345)) == "NEMO_E_UNKNOWN");
  CHECK(std::string(nemo_status_string(NEMO_E_BUSY)) == "NEMO_E_BUSY");
  CHECK(nemo_version() == NEMO_VERSION_NUMBER);
}

TEST_CASE("NULL where it may not be") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  nemo_context* new_context = nullptr;
  nemo_session* new_session = nullptr;
  nemo_model_info info = NEMO_MODEL_INFO_INIT;
  nemo_memory_plan plan = NEMO_MEMORY_PLAN_INIT;
  nemo_tensor_info tensor = NEMO_TENSOR_INFO_INIT;
  std::int32_t tokens[4] = {};
  char text[4] = {};
  std::size_t n = 0;
  const std::string path = model_path("hf/tiny_chat");
  nemo_error error = NEMO_ERROR_INIT;
  nemo_error* e = &error;
  const std::vector<nemo_status> found = {
      nemo_build_info(text, 4, nullptr, e),
      nemo_context_load(nullptr, nullptr, &new_context, e),
      nemo_context_load(path.c_str(), nullptr, nullptr, e),
      nemo_plan(nullptr, nullptr, nullptr, &plan, e),
      nemo_plan(path.c_str(), nullptr, nullptr, nullptr, e),
      nemo_context_load_memory(nullptr, 1, sizeof(nemo_memory_file), nullptr, &new_context, e),
      nemo_context_model_info(nullptr, &info, e),
      nemo_context_model_info(context.get(), nullptr, e),
      nemo_context_tensor(nullptr, 0, &tensor, e),
      nemo_context_tensor(context.get(), 0, nullptr, e),
      nemo_tokenize(nullptr, "a", 1, 0, tokens, 4, &n, e),
      nemo_tokenize(context.get(), nullptr, 1, 0, tokens, 4, &n, e),
      nemo_tokenize(context.get(), "a", 1, 0, tokens, 4, nullptr, e),
      nemo_detokenize(nullptr, tokens, 1, 0, text, 4, &n, e),
      nemo_detokenize(context.get(), nullptr, 1, 0, text, 4, &n, e),
      nemo_detokenize(context.get(), tokens, 1, 0, text, 4, nullptr, e),
      nemo_chat_render(nullptr, nullptr, 0, 64, nullptr, text, 4, &n, e),
      nemo_chat_render(context.get(), nullptr, 1, 64, nullptr, text, 4, &n, e),
      nemo_chat_render(context.get(), nullptr, 0, 64, nullptr, text, 4, nullptr, e),
      nemo_chat_tokenize(nullptr, nullptr, 0, 64, nullptr, tokens, 4, &n, e),
      nemo_chat_tokenize(context.get(), nullptr, 0, 64, nullptr, tokens, 4, nullptr, e),
      nemo_session_create(nullptr, nullptr, &new_session, e),
      nemo_session_create(context.get(), nullptr, nullptr, e),
      nemo_session_reset(nullptr, e),
      nemo_session_tokens(nullptr, tokens, 4, &n, e),
      nemo_session_tokens(session.get(), tokens, 4, nullptr, e),
      nemo_session_eval(nullptr, tokens, 1, nullptr, 0, e),
      nemo_session_eval(session.get(), nullptr, 1, nullptr, 0, e),
      nemo_session_eval(session.get(), tokens, 1, nullptr, kVocab, e),
      nemo_session_cancel(nullptr, 0, e),
      nemo_session_generate(nullptr, tokens, 1, nullptr, nullptr, e),
      nemo_session_generate(session.get(), nullptr, 1, nullptr, nullptr, e),
  };
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("call " << i);
    CHECK(std::string(nemo_status_string(found[i])) == "NEMO_E_INVALID_ARGUMENT");
  }
  CHECK(error.code == NEMO_E_INVALID_ARGUMENT);
  CHECK(new_context == nullptr);
  CHECK(new_session == nullptr);
  CHECK(nemo_session_position(session.get()) == 0);
}

TEST_CASE("a NULL buffer has no room, whatever its capacity says") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  eval(session.get(), prompt());
  const std::int32_t token = 40;
  std::size_t n = 0;
  const std::vector<nemo_status> found = {
      nemo_build_info(nullptr, 1000, &n, nullptr),
      nemo_tokenize(context.get(), "a", 1, 0, nullptr, 1000, &n, nullptr),
      nemo_detokenize(context.get(), &token, 1, 0, nullptr, 1000, &n, nullptr),
      nemo_chat_render(context.get(), nullptr, 0, 64, nullptr, nullptr, 1000, &n, nullptr),
      nemo_chat_tokenize(context.get(), nullptr, 0, 64, nullptr, nullptr, 1000, &n, nullptr),
      nemo_session_tokens(session.get(), nullptr, 1000, &n, nullptr),
  };
  for (const nemo_status status : found) {
    CHECK((status == NEMO_E_BUFFER_TOO_SMALL || status == NEMO_E_INVALID_ARGUMENT));
  }
}

TEST_CASE("structs of another size") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  // A later header's struct: the same, and a tail that this library does not know.
  struct Longer {
    nemo_context_options known = NEMO_CONTEXT_OPTIONS_INIT;
    std::uint64_t tail = 0;
  } longer;
  longer.known.struct_size = sizeof longer;
  longer.known.n_threads = 1;
  nemo_context* loaded = nullptr;
  const std::string path = model_path("hf/tiny_chat");
  CHECK(nemo_context_load(path.c_str(), &longer.known, &loaded, nullptr) == NEMO_OK);
  nemo_context_free(loaded);
  longer.tail = 1;
  Failure failure;
  failure.check(nemo_context_load(path.c_str(), &longer.known, &loaded, failure.out()),
                NEMO_E_STRUCT_SIZE);
  CHECK(loaded == nullptr);
  longer.known.struct_size =
      offsetof(nemo_context_options, device) - 1;  // the first that there was
  failure.check(nemo_context_load(path.c_str(), &longer.known, &loaded, failure.out()),
                NEMO_E_STRUCT_SIZE);

  nemo_session_options session_options = NEMO_SESSION_OPTIONS_INIT;
  session_options.struct_size = 4;
  nemo_session* session = nullptr;
  failure.check(nemo_session_create(context.get(), &session_options, &session, failure.out()),
                NEMO_E_STRUCT_SIZE);
  nemo_model_info info = NEMO_MODEL_INFO_INIT;
  info.struct_size = 0;
  failure.check(nemo_context_model_info(context.get(), &info, failure.out()), NEMO_E_STRUCT_SIZE);
  nemo_memory_plan plan = NEMO_MEMORY_PLAN_INIT;
  plan.struct_size = 0;
  failure.check(nemo_plan(path.c_str(), nullptr, nullptr, &plan, failure.out()),
                NEMO_E_STRUCT_SIZE);
  plan.struct_size = sizeof plan;
  nemo_plan_options plan_options = NEMO_PLAN_OPTIONS_INIT;
  plan_options.struct_size = 8;
  failure.check(nemo_plan(path.c_str(), nullptr, &plan_options, &plan, failure.out()),
                NEMO_E_STRUCT_SIZE);
  nemo_tensor_info tensor = NEMO_TENSOR_INFO_INIT;
  tensor.struct_size = 0;
  failure.check(nemo_context_tensor(context.get(), 0, &tensor, failure.out()), NEMO_E_STRUCT_SIZE);
}

TEST_CASE("an output struct of an older or newer header gets what both sides know") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  struct Longer {
    nemo_model_info known = NEMO_MODEL_INFO_INIT;
    std::uint64_t tail = 0x1234;
  } longer;
  longer.known.struct_size = sizeof longer;
  REQUIRE(nemo_context_model_info(context.get(), &longer.known, nullptr) == NEMO_OK);
  CHECK(longer.known.n_vocab == kVocab);
  CHECK(longer.tail == 0x1234);
}

TEST_CASE("an error struct that is too small is left alone") {
  const Silence silence;
  nemo_error error;
  std::memset(&error, 0x55, sizeof error);
  const nemo_error before = error;
  error.struct_size = 0;
  CHECK(nemo_session_reset(nullptr, &error) < 0);
  CHECK(std::memcmp(error.message, before.message, sizeof error.message) == 0);
}

// No processor has the levels of both.
TEST_CASE("a level that the processor lacks is named") {
  const Silence silence;
  const std::string path = model_path("hf/tiny_chat");
  std::string messages;
  for (const std::uint32_t isa : {NEMO_ISA_AVX512, NEMO_ISA_NEON}) {
    nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
    options.isa = isa;
    nemo_context* context = nullptr;
    nemo_error error = NEMO_ERROR_INIT;
    const nemo_status status = nemo_context_load(path.c_str(), &options, &context, &error);
    CHECK((status == NEMO_OK || status == NEMO_E_NO_DEVICE));
    messages += error.message;
    nemo_context_free(context);
  }
  CHECK((messages.find("no NEON") != std::string::npos ||
         messages.find("lacks AVX-512") != std::string::npos));
}

TEST_CASE("numbers out of range") {
  const Silence silence;
  const std::string path = model_path("hf/tiny_chat");
  const auto load_with = [&](auto&& change) {
    nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
    change(options);
    nemo_context* context = nullptr;
    const nemo_status status = nemo_context_load(path.c_str(), &options, &context, nullptr);
    nemo_context_free(context);
    return status;
  };
  CHECK(load_with([](auto& o) { o.n_threads = 257; }) == NEMO_E_INVALID_ARGUMENT);
  CHECK(load_with([](auto& o) { o.isa = 77; }) == NEMO_E_INVALID_ARGUMENT);
  CHECK(load_with([](auto& o) { o.max_step_rows = 4097; }) == NEMO_E_INVALID_ARGUMENT);
  CHECK(load_with([](auto& o) { o.flags = 0x80000000u; }) == NEMO_E_INVALID_ARGUMENT);
  CHECK(load_with([](auto& o) { o.log_level = 99; }) == NEMO_E_INVALID_ARGUMENT);

  const Context context = load("hf/tiny_chat");
  nemo_tensor_info tensor = NEMO_TENSOR_INFO_INIT;
  CHECK(nemo_context_tensor(context.get(), 1u << 30, &tensor, nullptr) == NEMO_E_INVALID_ARGUMENT);
  nemo_session* session = nullptr;
  nemo_session_options options = NEMO_SESSION_OPTIONS_INIT;
  options.max_tokens = std::numeric_limits<std::uint32_t>::max();
  CHECK(nemo_session_create(context.get(), &options, &session, nullptr) == NEMO_E_INVALID_ARGUMENT);
  options.max_tokens = 0;
  for (const std::uint32_t kv_type : {std::uint32_t{NEMO_KV_Q8}, 9u}) {  // heads of 16 elements
    options.kv_type = kv_type;
    CHECK(nemo_session_create(context.get(), &options, &session, nullptr) ==
          NEMO_E_INVALID_ARGUMENT);
  }
  options.kv_type = NEMO_KV_DEFAULT;
  options.state_type = 3;
  CHECK(nemo_session_create(context.get(), &options, &session, nullptr) == NEMO_E_INVALID_ARGUMENT);
  CHECK(session == nullptr);
}

TEST_CASE("a context without weights") {
  const Silence silence;
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.flags = NEMO_LOAD_NO_WEIGHTS;
  nemo_context* raw = nullptr;
  REQUIRE(nemo_context_load(model_path("hf/tiny_chat").c_str(), &options, &raw, nullptr) ==
          NEMO_OK);
  const Context context(raw);
  nemo_session* session = nullptr;
  Failure failure;
  failure.check(nemo_session_create(context.get(), nullptr, &session, failure.out()), NEMO_E_STATE);
  CHECK(session == nullptr);
}

TEST_CASE("objects are freed in any order") {
  const Silence silence;
  Context context = load("hf/tiny_chat");
  const std::vector<float> expected = eval(make_session(context).get(), prompt());
  const Session session = make_session(context);
  Context second(nemo_context_retain(context.get()));
  context.reset();
  second.reset();
  CHECK(same_bytes(eval(session.get(), prompt()), expected));
}
