// NEMO_LOAD_MAPPED as the system sees it: weights in pages of the file that processes share, and
// next to no memory of one's own.
#include <nemotron/nemotron.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Free {
  void operator()(nemo_context* context) const { nemo_context_free(context); }
  void operator()(nemo_session* session) const { nemo_session_free(session); }
};
using Context = std::unique_ptr<nemo_context, Free>;
using Session = std::unique_ptr<nemo_session, Free>;

const std::string kFolder = NEMO_SOURCE_DIR "/examples/demo-model/";
const std::string kGguf = kFolder + "demo-q8_0.gguf";
const std::string kSafetensors = kFolder + "model.safetensors";
const std::vector<std::int32_t> kPrompt = {1, 77, 400, 5, 6, 1000, 12, 8, 9, 300, 2};

nemo_context_options with_flags(std::uint32_t flags) {
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.flags = flags;
  options.n_threads = 1;
  return options;
}

Context load(const std::string& path, std::uint32_t flags) {
  const nemo_context_options options = with_flags(flags);
  nemo_context* context = nullptr;
  nemo_error error = NEMO_ERROR_INIT;
  const nemo_status status = nemo_context_load(path.c_str(), &options, &context, &error);
  INFO(error.message);
  CHECK(status == NEMO_OK);
  return Context(context);
}

Session make_session(const Context& context) {
  nemo_session* session = nullptr;
  REQUIRE(nemo_session_create(context.get(), nullptr, &session, nullptr) == NEMO_OK);
  return Session(session);
}

nemo_model_info info_of(const Context& context) {
  nemo_model_info info = NEMO_MODEL_INFO_INIT;
  REQUIRE(nemo_context_model_info(context.get(), &info, nullptr) == NEMO_OK);
  return info;
}

std::vector<float> eval(const Context& context, const Session& session,
                        const std::vector<std::int32_t>& tokens = kPrompt) {
  std::vector<float> logits(info_of(context).n_vocab);
  REQUIRE(nemo_session_eval(session.get(), tokens.data(), tokens.size(), logits.data(),
                            logits.size(), nullptr) == NEMO_OK);
  return logits;
}

std::vector<float> logits_of(const Context& context) {
  return eval(context, make_session(context));
}

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// The sum of a line of this process's mappings of `path`, in bytes: "Shared_Clean:" and so on.
std::uint64_t mapped_bytes(const std::string& path, const std::string& line) {
  std::ifstream smaps("/proc/self/smaps");
  std::string text;
  std::uint64_t sum = 0;
  bool is_ours = false;
  while (std::getline(smaps, text)) {
    if (text.find('-') < text.find(' ')) is_ours = text.ends_with(path);  // a mapping's first line
    if (is_ours && text.starts_with(line)) sum += std::stoull(text.substr(line.size())) * 1024;
  }
  return sum;
}

// Of this process, in bytes: "RssAnon:".
std::uint64_t status_bytes(const std::string& line) {
  std::ifstream status("/proc/self/status");
  std::string text;
  while (std::getline(status, text))
    if (text.starts_with(line)) return std::stoull(text.substr(line.size())) * 1024;
  return 0;
}

// Loads and runs the model in a child, which then tells of it and waits until the pipe closes.
pid_t start_child(const std::string& path, const int (&told)[2], const int (&waiting)[2]) {
  const pid_t child = fork();
  if (child != 0) return child;
  alarm(60);
  ::close(waiting[1]);
  const nemo_context_options options = with_flags(NEMO_LOAD_MAPPED);
  nemo_context* context = nullptr;
  nemo_session* session = nullptr;
  char result = 'x';
  if (nemo_context_load(path.c_str(), &options, &context, nullptr) == NEMO_OK &&
      nemo_session_create(context, nullptr, &session, nullptr) == NEMO_OK &&
      nemo_session_eval(session, kPrompt.data(), kPrompt.size(), nullptr, 0, nullptr) == NEMO_OK)
    result = '.';
  if (::write(told[1], &result, 1) != 1) _exit(2);
  if (::read(waiting[0], &result, 1) != 0) _exit(3);
  _exit(0);
}

}  // namespace

TEST_CASE("two processes that map a model have its weights in memory once") {
  const std::string path = GENERATE(kGguf, kSafetensors);
  int told[2];
  int waiting[2];
  REQUIRE((::pipe(told) == 0 && ::pipe(waiting) == 0));
  const pid_t child = start_child(path, told, waiting);
  REQUIRE(child > 0);
  char result = 0;
  CHECK(::read(told[0], &result, 1) == 1);
  CHECK(result == '.');

  [[maybe_unused]] const std::uint64_t own_before = status_bytes("RssAnon:");
  const Context context = load(path, NEMO_LOAD_MAPPED);
  [[maybe_unused]] const std::uint64_t own_after = status_bytes("RssAnon:");
  const Session session = make_session(context);
  eval(context, session);
  const nemo_model_info info = info_of(context);
  CHECK(info.mapped_bytes > info.tensor_bytes * 9 / 10);
  CHECK(mapped_bytes(path, "Shared_Clean:") >= info.mapped_bytes);
  CHECK(mapped_bytes(path, "Private_Clean:") + mapped_bytes(path, "Private_Dirty:") == 0);
  CHECK(mapped_bytes(path, "Pss:") < info.mapped_bytes * 6 / 10);
#if !defined(__SANITIZE_ADDRESS__)                        // whose own memory would be counted, too
  CHECK(own_after - own_before < info.mapped_bytes / 2);  // the vocabulary, working memory
#endif

  for (const int end : {told[0], told[1], waiting[0], waiting[1]}) ::close(end);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

TEST_CASE("two contexts map a file independently, and let it go with their last session") {
  const auto expected = logits_of(load(kGguf, 0));
  REQUIRE(mapped_bytes(kGguf, "Size:") == 0);
  Context first = load(kGguf, NEMO_LOAD_MAPPED);
  Context second = load(kGguf, NEMO_LOAD_MAPPED);
  CHECK(mapped_bytes(kGguf, "Size:") >= 2 * info_of(first).mapped_bytes);
  CHECK(same_bytes(logits_of(first), expected));
  const Session session = make_session(second);
  const auto n_vocab = info_of(second).n_vocab;
  first.reset();
  second.reset();  // the session holds it
  std::vector<float> logits(n_vocab);
  REQUIRE(nemo_session_eval(session.get(), kPrompt.data(), kPrompt.size(), logits.data(),
                            logits.size(), nullptr) == NEMO_OK);
  CHECK(same_bytes(logits, expected));
}

TEST_CASE("a model in the host's memory is used where it is") {
  std::ifstream in(kGguf, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(in), {});
  nemo_memory_file file = NEMO_MEMORY_FILE_INIT;
  file.name = "m.gguf";
  file.data = bytes.data();
  file.size = bytes.size();
  const nemo_context_options options = with_flags(NEMO_LOAD_MAPPED);
  nemo_context* loaded = nullptr;
  REQUIRE(nemo_context_load_memory(&file, 1, sizeof file, &options, &loaded, nullptr) == NEMO_OK);
  const Context context(loaded);
  CHECK(info_of(context).mapped_bytes > info_of(context).tensor_bytes * 9 / 10);
  CHECK(same_bytes(logits_of(context), logits_of(load(kGguf, 0))));
}

TEST_CASE("a session goes from packed to mapped weights and back, to the byte") {
  const Context packed = load(kGguf, 0);
  const Context mapped = load(kGguf, NEMO_LOAD_MAPPED);
  const Session session = make_session(packed);
  eval(packed, session);
  std::vector<char> saved(std::size_t{64} << 20);
  std::size_t size = 0;
  REQUIRE(nemo_session_save_memory(session.get(), nullptr, saved.data(), saved.size(), &size,
                                   nullptr) == NEMO_OK);
  nemo_session* restored = nullptr;
  REQUIRE(nemo_session_restore_memory(mapped.get(), saved.data(), size, nullptr, &restored,
                                      nullptr) == NEMO_OK);
  const Session other(restored);
  CHECK(same_bytes(eval(mapped, other, {17, 4}), eval(packed, session, {17, 4})));
}

TEST_CASE("flags that are no flags are refused, and mapping nothing is fine") {
  const nemo_context_options options = with_flags(0x80000000u);
  nemo_context* context = nullptr;
  CHECK(nemo_context_load(kGguf.c_str(), &options, &context, nullptr) == NEMO_E_INVALID_ARGUMENT);
  CHECK(info_of(load(kGguf, NEMO_LOAD_MAPPED | NEMO_LOAD_NO_WEIGHTS)).mapped_bytes == 0);
}

TEST_CASE("a program that knows smaller structs is served what fits into them") {
  const Context context = load(kGguf, NEMO_LOAD_MAPPED);
  nemo_model_info info = NEMO_MODEL_INFO_INIT;
  info.struct_size = offsetof(nemo_model_info, mapped_bytes);
  info.mapped_bytes = 42;
  REQUIRE(nemo_context_model_info(context.get(), &info, nullptr) == NEMO_OK);
  CHECK(info.mapped_bytes == 42);
  CHECK(info.scratch_bytes > 0);
  nemo_memory_plan plan = NEMO_MEMORY_PLAN_INIT;
  plan.struct_size = offsetof(nemo_memory_plan, mapped_bytes);
  plan.mapped_bytes = 42;
  REQUIRE(nemo_plan(kGguf.c_str(), nullptr, nullptr, &plan, nullptr) == NEMO_OK);
  CHECK(plan.mapped_bytes == 42);
  CHECK(plan.total_bytes > 0);
}
