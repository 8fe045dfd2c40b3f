// What a server may answer instead of a list.
#include "hub/listing.h"

#include <catch2/catch.hpp>

#include "base/text.h"

namespace nemotron::hub {
namespace {

const std::string kSha1(40, 'a');
const std::string kSha256(64, 'c');

std::string entry(const std::string& path, const std::string& size, const std::string& oid,
                  const std::string& more = "") {
  return join(R"({"type":"file","path":")", path, R"(","size":)", size, R"(,"oid":")", oid, '"',
              more, '}');
}

std::string list(const std::string& entries) { return join("[", entries, "]"); }

TEST_CASE("files of both kinds, folders left out") {
  std::vector<RepoFile> files;
  const std::string lfs = join(R"(,"lfs":{"oid":")", kSha256, R"(","size":9,"pointerSize":134})");
  const std::string folder = R"({"type":"directory","path":"d","oid":"x","size":0})";
  const std::string large = entry("b", "9", kSha1, lfs);
  REQUIRE(
      parse_file_list(list(join(entry("a", "0", kSha1), ",", large, ",", folder)), files).is_ok());
  REQUIRE(files.size() == 2);
  CHECK((files[0].path == "a" && files[0].hash == kSha1 && !files[0].is_large));
  CHECK((files[1].size_bytes == 9 && files[1].hash == kSha256 && files[1].is_large));
}

TEST_CASE("nonsense") {
  const std::string short_lfs = R"(,"lfs":{"oid":"../../x","size":9})";
  const std::string other_size = join(R"(,"lfs":{"oid":")", kSha256, R"(","size":8})");
  for (const std::string& json :
       {std::string("{}"), std::string(""), std::string("<html>"), std::string("[1]"),
        std::string("[{}]"), list(entry("a", "-1", kSha1)), list(entry("a", "1.5", kSha1)),
        list(entry("a", "99999999999999999999999", kSha1)), list(entry("a", "\"1\"", kSha1)),
        list(entry("a", "1", join("../", kSha1.substr(3)))), list(entry("a", "1", "")),
        list(entry("a", "9", kSha1, short_lfs)), list(entry("a", "9", kSha1, other_size)),
        std::string(2000, '[')}) {
    INFO(json.substr(0, 200));
    std::vector<RepoFile> files;
    CHECK_FALSE(parse_file_list(json, files).is_ok());
  }
}

TEST_CASE("what is no JSON is told in printable characters") {
  std::vector<RepoFile> files;
  const Status status = parse_file_list("[{\xfe\x1b[2J", files);
  REQUIRE(status.code() == StatusCode::kBadFile);
  CHECK(is_valid_utf8(status.message()));
  CHECK(status.message().find('\x1b') == std::string::npos);
}

}  // namespace
}  // namespace nemotron::hub
