// A hub, a cache folder of its own, and settings and options that make tests quick.
#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "../io/temp_folder.h"
#include "fake_hub.h"
#include "hub/pull.h"

namespace nemotron::hub {

inline std::string random_text(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

struct Fixture {
  Fixture() {
    ::setenv("no_proxy", "127.0.0.1", 1);
    settings.endpoint = hub.endpoint();
    settings.cache_dir = folder.path() + "/hub";
    options.first_delay = std::chrono::milliseconds(1);
    options.max_delay = std::chrono::milliseconds(2000);
    options.on_note = [this](const std::string& text) { notes += text + "\n"; };
  }

  Result<PulledModel> pull_now(const std::string& name = "org/model") const {
    return pull(settings, parse_model_name(name).value(), options);
  }
  // "OK" or the message; for CHECKs that show it.
  std::string result(const std::string& name = "org/model") const {
    const auto model = pull_now(name);
    return model.is_ok() ? "OK" : model.status().message();
  }

  std::string in_cache(const std::string& path) const {
    return settings.cache_dir + "/models--org--model/" + path;
  }
  std::string snapshot_file(const std::string& path) const {
    return in_cache("snapshots/" + hub.commit + "/" + path);
  }
  bool has(const std::string& path) const { return std::filesystem::exists(in_cache(path)); }
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& path, const std::string& content) const {
    std::filesystem::create_directories(std::filesystem::path(in_cache(path)).parent_path());
    std::ofstream(in_cache(path), std::ios::binary) << content;
  }
  // Nothing that could be taken for a model: no snapshot, no reference.
  bool is_without_model() const { return !has("snapshots") && !has("refs"); }

  FakeHub hub;
  TempFolder folder;
  Settings settings;
  PullOptions options;
  mutable std::string notes;
};

}  // namespace nemotron::hub
