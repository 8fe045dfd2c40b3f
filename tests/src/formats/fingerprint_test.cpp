// Two models have the same fingerprint when they are the same tensors, however they lie in files.
#include "formats/fingerprint.h"

#include <catch2/catch.hpp>
#include <set>

#include "formats/open_model.h"

using namespace nemotron;

namespace {

std::uint64_t fingerprint(const std::string& model) {
  const auto file = open_model(NEMO_TEST_SOURCE_DIR "/data/model/" + model);
  INFO(model << ": " << file.status().message());
  REQUIRE(file.is_ok());
  const auto found = fingerprint_of(file.value());
  REQUIRE(found.is_ok());
  return found.value();
}

}  // namespace

TEST_CASE("models have fingerprints of their own") {
  const std::vector<std::string> models = {"hf/one_group_p10",
                                           "hf/two_groups_p24",
                                           "hf/four_groups_p80",
                                           "hf/tiny_chat",
                                           "gguf/one_group_p10.bf16.gguf",
                                           "gguf/mixed.gguf",
                                           "gguf/tiny_chat.gguf"};
  std::set<std::uint64_t> found;
  for (const std::string& model : models) {
    CHECK(found.insert(fingerprint(model)).second);
    CHECK(found.contains(fingerprint(model)));
  }
}
