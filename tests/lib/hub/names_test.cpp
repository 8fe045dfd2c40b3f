#include "hub/names.h"

#include <catch2/catch.hpp>

namespace nemotron::hub {
namespace {

TEST_CASE("model names") {
  const ModelName plain = parse_model_name("nvidia/Nano-4B_v1.0").value();
  CHECK(plain.repo == "nvidia/Nano-4B_v1.0");
  CHECK(plain.revision == "main");
  CHECK(plain.file.empty());
  const ModelName full = parse_model_name("hf:org/name@refs/pr/1:sub/a@b:c.gguf").value();
  CHECK(full.repo == "org/name");
  CHECK(full.revision == "refs/pr/1");
  CHECK(full.file == "sub/a@b:c.gguf");
  CHECK(parse_model_name("gpt2").value().repo == "gpt2");
}

TEST_CASE("what is no model name") {
  for (const char* text :
       {"",         "hf:",    "a/b/c",    "/b",       "a/",         "../b",
        "a/..",     "a/b--c", "a/b.git",  "a/-b",     "a/b-",       "a b/c",
        "a/b@",     "a/b:",   "a/b@../x", "a/b@x//y", "a/b@v1..v2", "a/b@x/&../y",
        "a/b:../x", "a/b:/x", "a/b:x\\y", "a/b:x\ny", "\xff/b",     "https://huggingface.co/a/b"}) {
    INFO(text);
    CHECK(parse_model_name(text).status().code() == StatusCode::kInvalidArgument);
  }
}

TEST_CASE("paths of files") {
  for (const char* path :
       {"a", "config.json", "a/b/c.gguf", "\xc3\xa9\xe6\xa8\xa1\xf0\x9f\x98\x80.gguf",
        ".gitattributes", "..a", "a..b/c", "100% #1?.gguf", "C:x"}) {
    INFO(path);
    CHECK(check_file_path(path).is_ok());
  }
  for (const char* path : {"",       "/",        "/etc/passwd",  "..",           "../x",
                           "a/../x", "a/..",     "./x",          "a//b",         "a/",
                           "a\\b",   "..\\x",    "a\nb",         "a\x1b[2Jb",    "a\x7f",
                           "\xff",   "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80",
                           "\xc3"}) {
    INFO(path);
    CHECK(check_file_path(path).code() == StatusCode::kBadFile);
  }
  CHECK(check_file_path(std::string("a\0b", 3)).code() == StatusCode::kBadFile);
  CHECK(check_file_path(std::string(255, 'x')).is_ok());
  CHECK_FALSE(check_file_path(std::string(256, 'x')).is_ok());
  CHECK_FALSE(check_file_path(std::string(600, 'x').replace(100, 1, "/") + "/x").is_ok());
}

TEST_CASE("names in messages cannot steer a terminal") {
  CHECK(printable("a\x1b[2J\n\xff\xc2\x9b\xc3\xa9") == "a?[2J???\xc3\xa9");
  CHECK(printable(std::string(300, 'x')).size() == 203);
}

TEST_CASE("commits") {
  CHECK(is_commit("0123456789abcdef0123456789abcdef01234567"));
  CHECK_FALSE(is_commit("0123456789ABCDEF0123456789abcdef01234567"));
  CHECK_FALSE(is_commit("0123456789abcdef0123456789abcdef0123456"));
  CHECK_FALSE(is_commit("main"));
}

}  // namespace
}  // namespace nemotron::hub
