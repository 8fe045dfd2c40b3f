#include "hub/url.h"

#include <catch2/catch.hpp>

namespace nemotron::hub {
namespace {

TEST_CASE("quoting") {
  CHECK(quote("a b/\xc3\xa9#?%.gguf", true) == "a%20b/%C3%A9%23%3F%25.gguf");
  CHECK(quote("refs/pr/1", false) == "refs%2Fpr%2F1");
}

TEST_CASE("where a redirect leads") {
  const std::string base = "https://hub.example/a/resolve/x";
  CHECK(resolve_url(base, "/b?c=d").value() == "https://hub.example/b?c=d");
  CHECK(resolve_url(base, "https://cdn.example:8443/x").value() == "https://cdn.example:8443/x");
  CHECK(resolve_url("http://127.0.0.1:1/a", "//h:2/b").value() == "http://h:2/b");
  for (const char* target : {"file:///etc/passwd", "ftp://x/y", "http://hub.example/a",
                             "gopher://x", "http://[::1", "javascript:x"}) {
    INFO(target);
    const auto resolved = resolve_url(base, target);
    // curl's parser takes a scheme that it does not know for a host; then it stays at https.
    if (resolved.is_ok()) CHECK(resolved.value().starts_with("https://"));
  }
  CHECK_FALSE(resolve_url(base, "file:///etc/passwd").is_ok());
  CHECK_FALSE(resolve_url(base, "http://hub.example/a").is_ok());
  CHECK_FALSE(resolve_url("nonsense://", "/a").is_ok());
}

TEST_CASE("origins") {
  CHECK(origin_of("https://Hub.Example/a?b") == "https://hub.example:443");
  CHECK(origin_of("https://hub.example:443/c") == origin_of("https://hub.example"));
  CHECK(origin_of("http://hub.example") != origin_of("https://hub.example"));
  CHECK(origin_of("https://hub.example:444") != origin_of("https://hub.example"));
  CHECK(origin_of("https://hub.example.evil/") != origin_of("https://hub.example/"));
  CHECK(origin_of("https://hub.example@evil/") == "https://evil:443");
  CHECK(origin_of("file:///x").empty());
}

TEST_CASE("messages show no signatures") {
  CHECK(short_url("https://u:p@cdn.example:8443/x?Signature=s") == "https://cdn.example:8443/x");
}

TEST_CASE("the Link header") {
  CHECK(next_link("<https://h/x?cursor=a%2Cb>; rel=\"next\"") == "https://h/x?cursor=a%2Cb");
  CHECK(next_link("<https://h/1>; rel=\"last\", </2>; title=x; rel=next") == "/2");
  CHECK(next_link("").empty());
  CHECK(next_link("<x; rel=\"next\"").empty());
  CHECK(next_link("<https://h/1>; rel=\"prev\"").empty());
}

}  // namespace
}  // namespace nemotron::hub
