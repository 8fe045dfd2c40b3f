// Expected values: the sha256sum and git hash-object programs; FIPS 180-2 for "abc".
#include "hub/digest.h"

#include <catch2/catch.hpp>
#include <span>
#include <string>

namespace nemotron::hub {
namespace {

void update(Digest& digest, std::string_view text) {
  digest.update(std::as_bytes(std::span(text)));
}

TEST_CASE("SHA-256 in pieces") {
  Digest digest = Digest::create(Digest::Kind::kSha256).value();
  update(digest, "a");
  update(digest, "");
  update(digest, "bc");
  CHECK(digest.finish() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Digest::create(Digest::Kind::kSha256).value().finish() ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("SHA-1") {
  Digest digest = Digest::create(Digest::Kind::kSha1).value();
  update(digest, "abc");
  CHECK(digest.finish() == "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST_CASE("a file's name in git") {
  CHECK(Digest::create_for_git_blob(0).value().finish() ==
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  Digest digest = Digest::create_for_git_blob(6).value();
  update(digest, "hello\n");
  CHECK(digest.finish() == "ce013625030ba8dba906f756967f9e9ca394464a");
}

}  // namespace
}  // namespace nemotron::hub
