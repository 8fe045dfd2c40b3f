#include "hub/settings.h"

#include <catch2/catch.hpp>
#include <map>

#include "../io/temp_folder.h"

namespace nemotron::hub {
namespace {

using Variables = std::map<std::string, std::string>;

Result<Settings> settings_of(const Variables& variables) {
  return read_settings([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST_CASE("defaults") {
  const Settings settings = settings_of({{"HOME", "/home/u"}}).value();
  CHECK(settings.endpoint == "https://huggingface.co");
  CHECK(settings.cache_dir == "/home/u/.cache/huggingface/hub");
  CHECK(settings.token.empty());
  CHECK_FALSE(settings.is_offline);
  CHECK_FALSE(settings_of({}).is_ok());
}

TEST_CASE("the cache, nearest name first") {
  Variables variables = {{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}};
  CHECK(settings_of(variables).value().cache_dir == "/x/huggingface/hub");
  variables["HF_HOME"] = "~/hf";
  CHECK(settings_of(variables).value().cache_dir == "/h/hf/hub");
  variables["HUGGINGFACE_HUB_CACHE"] = "/old";
  CHECK(settings_of(variables).value().cache_dir == "/old");
  variables["HF_HUB_CACHE"] = "${XDG_CACHE_HOME}/a$HOME/$NONE$";
  CHECK(settings_of(variables).value().cache_dir == "/x/a/h/$NONE$");
  variables["HF_HUB_CACHE"] = "";
  CHECK(settings_of(variables).value().cache_dir == "/old");
}

TEST_CASE("tokens") {
  const TempFolder folder;
  Variables variables = {{"HF_HOME", folder.path()}};
  CHECK(settings_of(variables).value().token.empty());
  folder.write("token", " hf_file\n");
  CHECK(settings_of(variables).value().token == "hf_file");
  variables["HF_TOKEN_PATH"] = folder.write("other", "hf_other");
  CHECK(settings_of(variables).value().token == "hf_other");
  variables["HUGGING_FACE_HUB_TOKEN"] = "hf_old";
  CHECK(settings_of(variables).value().token == "hf_old");
  variables["HF_TOKEN"] = "hf_new\r\n";
  CHECK(settings_of(variables).value().token == "hf_new");
  variables["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1";
  CHECK(settings_of(variables).value().token.empty());
}

TEST_CASE("a token cannot begin another header, and no message shows it") {
  const auto settings = settings_of({{"HOME", "/h"}, {"HF_TOKEN", "hf_a\r\nX-Other: b"}});
  REQUIRE_FALSE(settings.is_ok());
  CHECK(settings.status().message().find("hf_a") == std::string::npos);
}

TEST_CASE("endpoint and offline") {
  const Variables variables = {
      {"HOME", "/h"}, {"HF_ENDPOINT", "https://mirror.example//"}, {"TRANSFORMERS_OFFLINE", "yes"}};
  const Settings settings = settings_of(variables).value();
  CHECK(settings.endpoint == "https://mirror.example");
  CHECK(settings.is_offline);
  CHECK_FALSE(settings_of({{"HOME", "/h"}, {"HF_HUB_OFFLINE", "0"}}).value().is_offline);
  CHECK_FALSE(settings_of({{"HOME", "/h"}, {"HF_ENDPOINT", "mirror.example"}}).is_ok());
  CHECK_FALSE(settings_of({{"HOME", "/h"}, {"HF_ENDPOINT", "file:///x"}}).is_ok());
}

}  // namespace
}  // namespace nemotron::hub
