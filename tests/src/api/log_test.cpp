// What a load says in the log.
#include <nemotron/nemotron.h>

#include <catch2/catch.hpp>
#include <string>

namespace {

void append(std::int32_t /*level*/, const char* message, std::size_t size, void* user) {
  static_cast<std::string*>(user)->append(message, size).append("\n");
}

}  // namespace

TEST_CASE("the log names the file and the device with its instruction set level") {
  const std::string path = NEMO_SOURCE_DIR "/examples/demo-model/demo-q8_0.gguf";
  std::string log;
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = 1;
  options.isa = NEMO_ISA_REF;
  options.on_log = append;
  options.log_user = &log;
  nemo_context* context = nullptr;
  REQUIRE(nemo_context_load(path.c_str(), &options, &context, nullptr) == NEMO_OK);
  nemo_context_free(context);
  CHECK(log.find("loaded '" + path + "'") != std::string::npos);
  CHECK(log.find(" for cpu/ref\n") != std::string::npos);
}
