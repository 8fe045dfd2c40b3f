// The protocol and the cache with servers that keep to it; transfer_test.cpp has the other ones.
#include "hub/pull.h"

#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>

#include "pull_fixture.h"
#include "raw_server.h"

namespace nemotron::hub {
namespace {

namespace fs = std::filesystem;

TEST_CASE_METHOD(Fixture, "a GGUF file on another host, in the layout that all share") {
  const std::string weights = random_text(300000, 1);
  const std::string hash = sha256_of(weights);
  RawServer host([&](const RawRequest& request, std::size_t, const RawServer::Send& send) {
    send_file(request, send, weights);
  });
  hub.large_file_url = host.url();
  hub.token = settings.token = "hf_secret";
  hub.files = {{.path = "README.md", .content = "hello"},
               {.path = "q4/m.gguf", .content = weights, .is_large = true}};

  const auto model = pull_now();
  REQUIRE(result() == "OK");
  CHECK(model.value().path == snapshot_file("q4/m.gguf"));
  CHECK(model.value().commit == hub.commit);
  CHECK(model.value().n_downloaded == 1);
  CHECK(model.value().downloaded_bytes == weights.size());
  CHECK(read(model.value().path) == weights);
  CHECK(fs::read_symlink(model.value().path) == "../../../blobs/" + hash);
  CHECK(fs::is_regular_file(fs::symlink_status(in_cache("blobs/" + hash))));
  CHECK(read(in_cache("refs/main")) == hub.commit);
  CHECK_FALSE(has("blobs/" + hash + ".incomplete"));
  CHECK_FALSE(fs::exists(snapshot_file("README.md")));

  SECTION("the login goes to the hub and to nobody else") {
    for (const LoggedRequest& request : hub.log())
      CHECK(request.authorization == "Bearer hf_secret");
    REQUIRE(host.log().size() == 1);
    CHECK_FALSE(host.log()[0].has("authorization"));
    CHECK_FALSE(host.log()[0].has("cookie"));
    CHECK(host.log()[0].target == "/" + hash + "?Signature=s%2Fx");
  }
  SECTION("what is there is not fetched again") {
    CHECK(pull_now().value().n_downloaded == 0);
    CHECK(host.log().size() == 1);
    CHECK(find_in_cache(settings, {"org/model"}).value().path == model.value().path);
  }
  SECTION("offline") {
    settings.is_offline = true;
    settings.endpoint = "http://127.0.0.1:1";
    CHECK(pull_now().value().path == model.value().path);
    CHECK(pull_now("org/model:q4/m.gguf").value().path == model.value().path);
    CHECK_FALSE(pull_now("org/model:other.gguf").is_ok());
    CHECK(pull_now("org/other").status().code() == StatusCode::kFileNotFound);
  }
  SECTION("a newer commit with the same file: one more link") {
    hub.commit.back() = '2';
    CHECK(pull_now().value().n_downloaded == 0);
    CHECK(read(in_cache("refs/main")) == hub.commit);
    CHECK(read(snapshot_file("q4/m.gguf")) == weights);
    CHECK(read(model.value().path) == weights);
    CHECK(host.log().size() == 1);
  }
  SECTION("a commit asks for no reference and makes none") {
    fs::remove_all(in_cache("refs"));
    const std::size_t n_before = hub.n_requests("/revision/");
    CHECK(result("org/model@" + hub.commit) == "OK");
    CHECK(hub.n_requests("/revision/") == n_before);
    CHECK_FALSE(has("refs"));
  }
}

TEST_CASE_METHOD(Fixture, "safetensors: what a model needs, over several pages and two hosts") {
  const std::string first = random_text(70000, 2), second = random_text(90001, 3);
  RawServer host([&](const RawRequest& request, std::size_t, const RawServer::Send& send) {
    send_file(request, send,
              request.target.find(sha256_of(first)) != std::string::npos ? first : second);
  });
  hub.large_file_url = host.url();
  hub.page_size = 2;
  hub.files = {{.path = "README.md", .content = "no"},
               {.path = "config.json", .content = "{}"},
               {.path = "model-00001-of-00002.safetensors", .content = first, .is_large = true},
               {.path = "model-00002-of-00002.safetensors", .content = second, .is_large = true},
               {.path = "model.safetensors.index.json", .content = "{\"x\":1}"},
               {.path = "pytorch_model.bin", .content = "no", .is_large = true},
               {.path = "tokenizer.json", .content = ""}};
  const auto model = pull_now();
  REQUIRE(result() == "OK");
  CHECK(model.value().path == snapshot_file("model.safetensors.index.json"));
  CHECK(model.value().n_downloaded == 5);
  CHECK(read(snapshot_file("model-00001-of-00002.safetensors")) == first);
  CHECK(read(snapshot_file("model-00002-of-00002.safetensors")) == second);
  CHECK(read(snapshot_file("config.json")) == "{}");
  CHECK(fs::file_size(snapshot_file("tokenizer.json")) == 0);
  CHECK(fs::read_symlink(snapshot_file("config.json")) == "../../blobs/" + git_sha1_of("{}"));
  CHECK_FALSE(fs::exists(snapshot_file("README.md")));
  CHECK_FALSE(fs::exists(snapshot_file("pytorch_model.bin")));
  CHECK(hub.n_requests("cursor=") == 6);  // twice three more pages
}

TEST_CASE_METHOD(Fixture, "names with every kind of character") {
  const std::string name = "d \xc3\xa9/\xe6\xa8\xa1\xe5\x9e\x8b 100%#1?&+'~.gguf";
  hub.files = {{.path = name, .content = "x"}};
  const auto model = pull_now();
  REQUIRE(result() == "OK");
  CHECK(read(snapshot_file(name)) == "x");
  CHECK(hub.n_requests("/resolve/" + hub.commit +
                       "/d%20%C3%A9/%E6%A8%A1%E5%9E%8B%20100%25%231%3F%26%2B%27~.gguf") == 1);
}

TEST_CASE_METHOD(Fixture, "revisions with slashes") {
  hub.revision = "refs/pr/7";
  hub.files = {{.path = "m.gguf", .content = "x"}};
  REQUIRE(result("org/model@refs/pr/7") == "OK");
  CHECK(hub.n_requests("/revision/refs%2Fpr%2F7") == 1);
  CHECK(read(in_cache("refs/refs/pr/7")) == hub.commit);
  CHECK(find_in_cache(settings, {"org/model", "refs/pr/7"}).is_ok());
  CHECK_FALSE(find_in_cache(settings, {"org/model"}).is_ok());
}

TEST_CASE_METHOD(Fixture, "the same bytes under two names are fetched once") {
  hub.files = {{.path = "m-00001-of-00002.gguf", .content = "x", .is_large = true},
               {.path = "m-00002-of-00002.gguf", .content = "x", .is_large = true}};
  CHECK(pull_now().value().n_downloaded == 1);
  CHECK(read(snapshot_file("m-00001-of-00002.gguf")) == "x");
  CHECK(read(snapshot_file("m-00002-of-00002.gguf")) == "x");
}

TEST_CASE_METHOD(Fixture, "a cache that another program made, by hand") {
  const std::string weights = random_text(1000, 4);
  const std::string hash = sha256_of(weights);
  hub.files = {{.path = "m.gguf", .content = weights, .is_large = true}};
  write("blobs/" + hash, weights);
  SECTION("snapshot and reference") {
    write("refs/main", hub.commit);
    fs::create_directories(in_cache("snapshots/" + hub.commit));
    fs::create_symlink("../../blobs/" + hash, snapshot_file("m.gguf"));
    CHECK(find_in_cache(settings, {"org/model"}).value().path == snapshot_file("m.gguf"));
    fs::remove(in_cache("blobs/" + hash));  // a link to nothing is no file
    CHECK_FALSE(find_in_cache(settings, {"org/model"}).is_ok());
  }
  SECTION("the blob alone") {
    CHECK(pull_now().value().n_downloaded == 0);
    CHECK(read(snapshot_file("m.gguf")) == weights);
  }
  SECTION("a real file instead of a link") {
    write("snapshots/" + hub.commit + "/m.gguf", weights);
    fs::remove(in_cache("blobs/" + hash));
    CHECK(pull_now().value().n_downloaded == 0);
  }
  SECTION("a blob that is too short is none") {
    write("blobs/" + hash, weights.substr(1));
    CHECK(pull_now().value().n_downloaded == 1);
    CHECK(read(snapshot_file("m.gguf")) == weights);
  }
  SECTION("a reference that is no commit") {
    write("refs/main", "../../../x");
    CHECK_FALSE(find_in_cache(settings, {"org/model"}).is_ok());
  }
}

TEST_CASE_METHOD(Fixture, "two pulls at once download a file once") {
  const std::string weights = random_text(400000, 5);
  RawServer host([&](const RawRequest& request, std::size_t, const RawServer::Send& send) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    send_file(request, send, weights);
  });
  hub.large_file_url = host.url();
  hub.files = {{.path = "m.gguf", .content = weights, .is_large = true}};
  options.on_note = nullptr;
  std::string other;
  std::thread thread([&] { other = result(); });
  const std::string mine = result();
  thread.join();
  CHECK(mine == "OK");
  CHECK(other == "OK");
  CHECK(host.log().size() == 1);
  CHECK(read(snapshot_file("m.gguf")) == weights);
}

TEST_CASE_METHOD(Fixture, "no room, known before the download") {
  hub.files = {{.path = "m.gguf", .content = "x", .is_large = true, .listed_size = 1ull << 60}};
  const auto model = pull_now();
  CHECK(model.status().code() == StatusCode::kFileWrite);
  CHECK(result().find("1152921504607 MB") != std::string::npos);
  CHECK(hub.n_requests("/resolve/") == 0);
  CHECK(is_without_model());
}

TEST_CASE_METHOD(Fixture, "sizes that overflow") {
  for (const char* part :
       {"m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"})
    hub.files.push_back(
        {.path = part, .content = part, .is_large = true, .listed_size = INT64_MAX});
  CHECK_FALSE(pull_now().is_ok());
  CHECK(hub.n_requests("/resolve/") == 0);
}

TEST_CASE_METHOD(Fixture, "a cache that cannot be written") {
  hub.files = {{.path = "m.gguf", .content = "x"}};
  settings.cache_dir = folder.write("file", "") + "/hub";
  const auto model = pull_now();
  CHECK(model.status().code() == StatusCode::kFileWrite);
  CHECK(model.status().message().find(settings.cache_dir) != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "progress reaches the whole and never more") {
  hub.files = {{.path = "config.json", .content = "{}"},
               {.path = "model.safetensors", .content = random_text(50000, 6), .is_large = true}};
  std::uint64_t last = 0, last_total = 0;
  options.on_progress = [&](std::uint64_t done, std::uint64_t total) {
    CHECK(done >= last);
    CHECK(done <= total);
    last = done;
    last_total = total;
    return true;
  };
  CHECK(result() == "OK");
  CHECK(last == 50002);
  CHECK(last_total == 50002);
}

}  // namespace
}  // namespace nemotron::hub
