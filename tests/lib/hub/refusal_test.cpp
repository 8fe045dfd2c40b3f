// Refusals, faults that pass, and answers that are none of a hub.
#include <catch2/catch.hpp>

#include "pull_fixture.h"
#include "raw_server.h"

namespace nemotron::hub {
namespace {

using Catch::Contains;

TEST_CASE_METHOD(Fixture, "what the hub refuses, in words") {
  hub.files = {{.path = "m.gguf", .content = "x"}};
  SECTION("no such repository, or private") {
    CHECK(pull_now("org/other").status().code() == StatusCode::kFileNotFound);
    CHECK_THAT(result("org/other"), Contains("no such repository") && Contains("HF_TOKEN"));
  }
  SECTION("with the wrong login") {
    hub.token = "right";
    settings.token = "wrong";
    CHECK_THAT(result(), Contains("not open to the account") && !Contains("wrong"));
  }
  SECTION("gated") {
    hub.refuse_with = "GatedRepo";
    CHECK_THAT(result(), Contains("gated") && Contains(hub.endpoint() + "/org/model,") &&
                             Contains("HF_TOKEN") && Contains("403"));
  }
  SECTION("no such revision") {
    CHECK_THAT(result("org/model@v9"), Contains("no such revision"));
    CHECK(pull_now("org/model@v9").status().code() == StatusCode::kFileNotFound);
  }
  SECTION("no such file") {
    CHECK_THAT(result("org/model:n.gguf"), Contains("no 'n.gguf'") && Contains("m.gguf"));
  }
  SECTION("an unknown code cannot steer the terminal") {
    hub.refuse_with = "x";
    CHECK_THAT(result(), Contains("forbidden"));
  }
  CHECK(is_without_model());
  CHECK(notes.empty());  // nothing was tried again
}

TEST_CASE_METHOD(Fixture, "faults that pass are waited out") {
  hub.files = {{.path = "m.gguf", .content = "x"}};
  SECTION("5xx") {
    hub.failure_status = GENERATE(500, 502, 503, 504);
    hub.n_failures = 4;
    CHECK(result() == "OK");
    CHECK_THAT(notes, Contains("trying again"));
  }
  SECTION("not for ever") {
    hub.n_failures = 5;
    CHECK(pull_now().status().code() == StatusCode::kFileRead);
    CHECK(hub.log().size() == 5);
  }
  SECTION("429 says how long") {
    hub.failure_status = 429;
    hub.n_failures = 1;
    hub.retry_after = "1";
    const auto begin = std::chrono::steady_clock::now();
    CHECK(result() == "OK");
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::seconds(1));
  }
  SECTION("longer than anybody waits") {
    hub.failure_status = 429;
    hub.n_failures = 1;
    hub.retry_after = "86400";
    CHECK_THAT(result(), Contains("too many requests"));
    CHECK(hub.log().size() == 1);
  }
}

TEST_CASE_METHOD(Fixture, "nobody listens") {
  settings.endpoint = "http://127.0.0.1:1";
  CHECK(pull_now().status().code() == StatusCode::kFileRead);
  CHECK_THAT(result(), Contains("127.0.0.1"));
}

TEST_CASE_METHOD(Fixture, "what answers is no hub") {
  const std::string answer = GENERATE(
      std::string("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"),
      std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
      std::string("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"sha\":\"../..\"}"),
      std::string("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"),  // for ever
      std::string(
          "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"),
      std::string("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n"),
      std::string("SSH-2.0-OpenSSH_9.2\r\n"), std::string("HTTP/1.1 404 Not\x1b[2J Found\r\n\r\n"),
      std::string("HTTP/1.1 200 OK\r\n") + std::string(3000000, 'x'));
  RawServer server(
      [&](const RawRequest&, std::size_t, const RawServer::Send& send) { send(answer); });
  settings.endpoint = server.url().substr(0, server.url().size() - 1);
  const auto model = pull_now();
  REQUIRE_FALSE(model.is_ok());
  CHECK(model.status().message().find('\x1b') == std::string::npos);
  CHECK(is_without_model());
}

TEST_CASE_METHOD(Fixture, "an answer without end") {
  RawServer server([&](const RawRequest&, std::size_t, const RawServer::Send& send) {
    send("HTTP/1.1 200 OK\r\n\r\n[");
    while (send(std::string(1 << 20, ' '))) {
    }
  });
  settings.endpoint = server.url().substr(0, server.url().size() - 1);
  CHECK_THAT(result(), Contains("an answer of more than"));
}

TEST_CASE_METHOD(Fixture, "hostile paths in the list are refused, and nothing is written") {
  const std::string path =
      GENERATE(std::string("../x.gguf"), std::string("../../../../x.gguf"),
               std::string("a/../../x.gguf"), std::string("/tmp/nemo-hostile.gguf"),
               std::string("..\\\\x.gguf"), std::string("a\\u0000.gguf"), std::string("a//b.gguf"),
               std::string("./x.gguf"), std::string("a\\u001b[2J.gguf"));
  hub.files = {{.path = path, .content = "x", .path_in_json = path}};
  const auto model = pull_now();
  CHECK(model.status().code() == StatusCode::kBadFile);
  CHECK(model.status().message().find('\x1b') == std::string::npos);
  CHECK_FALSE(std::filesystem::exists(settings.cache_dir));
  CHECK(hub.n_requests("/resolve/") == 0);
}

TEST_CASE_METHOD(Fixture, "hostile hashes in the list are refused") {
  hub.files = {{.path = "m.gguf", .content = "x", .is_large = true}};
  hub.files[0].hash = GENERATE(std::string("../../x"), std::string(64, 'A'), std::string(63, 'a'));
  CHECK(pull_now().status().code() == StatusCode::kBadFile);
  CHECK_FALSE(std::filesystem::exists(settings.cache_dir));
}

TEST_CASE_METHOD(Fixture, "a path twice in the list") {
  hub.files = {{.path = "m.gguf", .content = "x"}, {.path = "m.gguf", .content = "y"}};
  CHECK_THAT(result(), Contains("twice"));
}

TEST_CASE_METHOD(Fixture, "a file that is also a folder") {
  hub.files = {{.path = "m.safetensors.index.json", .content = "{}"},
               {.path = "m-00001-of-00001.safetensors", .content = "x"}};
  write("snapshots/" + hub.commit + "/m.safetensors.index.json/x", "");
  CHECK(pull_now().status().code() == StatusCode::kFileWrite);
  CHECK_FALSE(has("refs"));
}

}  // namespace
}  // namespace nemotron::hub
