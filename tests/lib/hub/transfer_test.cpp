// Transfers that go wrong: cut, stalled, resumed, lied about. A wrong file never gets its name.
#include <sys/resource.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <thread>

#include "pull_fixture.h"
#include "raw_server.h"

namespace nemotron::hub {
namespace {

using Catch::Contains;

struct Transfer : Fixture {
  Transfer() {
    hub.files = {{.path = "m.gguf", .content = weights, .is_large = true}};
    options.http.stall_timeout_s = 1;
  }
  // Serves the file from another host, which lives longer than the locals of a test.
  void serve(RawServer::Handler handler) {
    host = std::make_unique<RawServer>(std::move(handler));
    hub.large_file_url = host->url();
  }
  std::string blob() const { return in_cache("blobs/" + hash); }
  std::string partial() const { return blob() + ".incomplete"; }
  bool is_whole() const {
    return read(snapshot_file("m.gguf")) == weights && read(blob()) == weights;
  }
  // No file under a final name; what came may be left to go on from.
  bool is_without_file() const { return is_without_model() && !std::filesystem::exists(blob()); }

  const std::string weights = random_text(1000000, 7);
  const std::string hash = sha256_of(weights);
  std::unique_ptr<RawServer> host;
};

std::string head(const std::string& status, const std::string& headers) {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\n" + headers + "\r\n";
}

TEST_CASE_METHOD(Transfer, "connections that are cut: each goes on where the last ended") {
  serve([this](const RawRequest& request, std::size_t number, const RawServer::Send& send) {
    send_file(request, send, weights, number < 8 ? 100000 : SIZE_MAX);
  });
  CHECK(result() == "OK");
  CHECK(is_whole());
  const auto log = host->log();
  REQUIRE(log.size() == 9);
  for (std::size_t i = 0; i < log.size(); ++i) CHECK(log[i].first_byte() == i * 100000);
  CHECK_FALSE(std::filesystem::exists(partial()));
}

TEST_CASE_METHOD(Transfer, "cut at once, always: an end after some tries, what came is kept") {
  serve([this](const RawRequest& request, std::size_t number, const RawServer::Send& send) {
    send_file(request, send, weights, number == 0 ? 5000 : 0);
  });
  CHECK(pull_now().status().code() == StatusCode::kFileRead);
  CHECK(host->log().size() == 5);
  CHECK(is_without_file());
  CHECK(read(partial()) == weights.substr(0, 5000));
}

TEST_CASE_METHOD(Transfer, "a server that stops in the middle") {
  serve([this](const RawRequest& request, std::size_t number, const RawServer::Send& send) {
    send_file(request, send, weights, number == 0 ? 5000 : SIZE_MAX);
    if (number == 0) std::this_thread::sleep_for(std::chrono::seconds(3));
  });
  CHECK(result() == "OK");
  CHECK(is_whole());
  CHECK(host->log().size() == 2);
}

TEST_CASE_METHOD(Transfer, "what an earlier pull left is gone on from") {
  serve([this](const RawRequest& request, std::size_t, const RawServer::Send& send) {
    send_file(request, send, weights);
  });
  SECTION("a part of it") {
    write("blobs/" + hash + ".incomplete", weights.substr(0, 654321));
    CHECK(result() == "OK");
    REQUIRE(host->log().size() == 1);
    CHECK(host->log()[0].headers.at("range") == "bytes=654321-");
  }
  SECTION("all of it: nothing is asked for") {
    write("blobs/" + hash + ".incomplete", weights);
    CHECK(result() == "OK");
    CHECK(host->log().empty());
  }
  SECTION("a damaged part: once more from the beginning") {
    write("blobs/" + hash + ".incomplete", std::string(654321, '\0'));
    CHECK(result() == "OK");
    REQUIRE(host->log().size() == 2);
    CHECK_FALSE(host->log()[1].has("range"));
  }
  SECTION("more than all of it") {
    write("blobs/" + hash + ".incomplete", weights + "x");
    CHECK(result() == "OK");
    REQUIRE(host->log().size() == 1);
    CHECK_FALSE(host->log()[0].has("range"));
  }
  CHECK(is_whole());
}

TEST_CASE_METHOD(Transfer, "a server that ignores Range") {
  write("blobs/" + hash + ".incomplete", weights.substr(0, 1000));
  serve([this](const RawRequest& request, std::size_t, const RawServer::Send& send) {
    RawRequest whole = request;
    whole.headers.erase("range");
    send_file(whole, send, weights);
  });
  CHECK(result() == "OK");
  CHECK(is_whole());
}

TEST_CASE_METHOD(Transfer, "a server that knows no more of the file: 416") {
  write("blobs/" + hash + ".incomplete", weights.substr(0, 1000));
  serve([this](const RawRequest& request, std::size_t, const RawServer::Send& send) {
    if (request.has("range"))
      send(head("416 Range Not Satisfiable", "Content-Length: 0\r\n"));
    else
      send_file(request, send, weights);
  });
  CHECK(result() == "OK");
  CHECK(is_whole());
}

TEST_CASE_METHOD(Transfer, "ranges that are not the ones asked for") {
  write("blobs/" + hash + ".incomplete", weights.substr(0, 1000));
  const std::string range = GENERATE(std::string("Content-Range: bytes 0-999999/1000000\r\n"),
                                     std::string("Content-Range: bytes 10000-999999/1000000\r\n"),
                                     std::string("Content-Range: bytes 1000-999999/2000000\r\n"),
                                     std::string("Content-Range: bytes 1000-\r\n"),
                                     std::string("Content-Range: x\r\n"), std::string());
  serve([this, range](const RawRequest&, std::size_t, const RawServer::Send& send) {
    if (send(head("206 Partial Content", range))) send(weights.substr(1000));
  });
  CHECK(pull_now().status().code() == StatusCode::kBadFile);
  CHECK(is_without_file());
}

TEST_CASE_METHOD(Transfer, "a body without a length, closed at its end") {
  serve([this](const RawRequest&, std::size_t, const RawServer::Send& send) {
    if (send(head("200 OK", ""))) send(weights);
  });
  CHECK(result() == "OK");
  CHECK(is_whole());
}

TEST_CASE_METHOD(Transfer, "sizes that are lies") {
  const std::string length = GENERATE(std::string("Content-Length: 999999\r\n"),
                                      std::string("Content-Length: 1000001\r\n"),
                                      std::string("Content-Length: 0\r\n"), std::string());
  serve([this, length](const RawRequest&, std::size_t, const RawServer::Send& send) {
    if (send(head("200 OK", length))) send(weights + "x");
  });
  CHECK(pull_now().status().code() == StatusCode::kBadFile);
  CHECK(host->log().size() == 1);  // no use trying again
  CHECK(is_without_file());
}

TEST_CASE_METHOD(Transfer, "bytes with another hash") {
  std::string other = weights;
  other[500000] ^= 1;
  serve([other](const RawRequest& request, std::size_t number, const RawServer::Send& send) {
    send_file(request, send, other, number == 0 ? 600000 : SIZE_MAX);
  });
  CHECK_THAT(result(), Contains("do not have the hash " + hash));
  CHECK(is_without_file());
  CHECK_FALSE(std::filesystem::exists(partial()));
}

TEST_CASE_METHOD(Transfer, "a small file with another hash") {
  hub.files = {{.path = "config.json", .content = "{}"},
               {.path = "model.safetensors", .content = "x", .is_large = true}};
  hub.files[0].hash = git_sha1_of("[]");
  CHECK(pull_now().status().code() == StatusCode::kBadFile);
  CHECK(is_without_model());
}

TEST_CASE_METHOD(Transfer, "an empty file with another hash") {
  hub.files = {{.path = "m.gguf", .content = "", .is_large = true, .hash = std::string(64, 'a')}};
  CHECK(pull_now().status().code() == StatusCode::kBadFile);
  CHECK(is_without_model());
}

TEST_CASE_METHOD(Transfer, "the hub itself says that it is another file") {
  SECTION("of another commit") { hub.commit_header = std::string(40, '9'); }
  SECTION("with another hash") { hub.etag_header = sha256_of("another"); }
  CHECK(pull_now().status().code() == StatusCode::kBadFile);
  CHECK(is_without_file());
}

TEST_CASE_METHOD(Transfer, "a cancel keeps what has come, and the next pull goes on") {
  const auto is_slow = std::make_shared<std::atomic<bool>>(true);
  serve([this, is_slow](const RawRequest& request, std::size_t, const RawServer::Send& send) {
    if (!*is_slow) return send_file(request, send, weights);
    send(head("200 OK", "Content-Length: 1000000\r\n"));
    for (std::size_t at = 0; at < weights.size() && send(weights.substr(at, 1000)); at += 1000)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  options.on_progress = [](std::uint64_t done, std::uint64_t) { return done < 20000; };
  CHECK(pull_now().status().code() == StatusCode::kCancelled);
  CHECK(is_without_file());
  const std::uint64_t n_kept = std::filesystem::file_size(partial());
  CHECK(n_kept >= 20000);
  CHECK(n_kept < weights.size());
  CHECK(read(partial()) == weights.substr(0, n_kept));

  *is_slow = false;
  options.on_progress = nullptr;
  CHECK(result() == "OK");
  CHECK(is_whole());
  CHECK(host->log().back().first_byte() == n_kept);
}

TEST_CASE_METHOD(Transfer, "one file fails: the other stops and stays") {
  const std::string other = random_text(1000, 8);
  hub.files = {{.path = "m-00001-of-00002.gguf", .content = weights, .is_large = true},
               {.path = "m-00002-of-00002.gguf", .content = other, .is_large = true}};
  serve([this](const RawRequest& request, std::size_t, const RawServer::Send& send) {
    if (request.target.find(hash) == std::string::npos) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      send(head("403 Forbidden", "Content-Length: 0\r\n"));
      return;
    }
    send(head("200 OK", "Content-Length: 1000000\r\n"));
    for (std::size_t at = 0; at < weights.size() && send(weights.substr(at, 1000)); at += 1000)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  CHECK_THAT(result(), Contains("403"));
  CHECK(is_without_file());
  CHECK(read(partial()) == weights.substr(0, std::filesystem::file_size(partial())));
}

TEST_CASE_METHOD(Transfer, "a disk that takes no more") {
  serve([this](const RawRequest& request, std::size_t, const RawServer::Send& send) {
    send_file(request, send, weights);
  });
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{100000, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto model = pull_now();
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(model.status().code() == StatusCode::kFileWrite);
  CHECK_THAT(model.status().message(), Contains(partial()));
  CHECK(is_without_file());
  CHECK(result() == "OK");  // from where it stopped
  CHECK(is_whole());
  CHECK(host->log().back().first_byte() == 100000);
}

}  // namespace
}  // namespace nemotron::hub
