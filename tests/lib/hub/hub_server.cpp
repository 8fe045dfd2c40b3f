// hub_server FOLDER [BYTES_PER_SECOND]: serves the files of a folder as the repository org/model,
// for tests of the command. Files from 10 kB up lie on another host, which may be slow. Prints the
// endpoint; runs until it is killed.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <thread>

#include "fake_hub.h"
#include "raw_server.h"

namespace {

namespace fs = std::filesystem;
using namespace nemotron::hub;

std::vector<HubFile> read_folder(const fs::path& folder) {
  std::vector<HubFile> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    HubFile file;
    file.path = entry.path().lexically_relative(folder).generic_string();
    file.content.assign(std::istreambuf_iterator<char>(stream), {});
    constexpr std::size_t kLarge = 10000;
    file.is_large = file.content.size() >= kLarge;
    files.push_back(std::move(file));
  }
  return files;
}

void send_slowly(const RawRequest& request, const RawServer::Send& send, const std::string& content,
                 std::size_t bytes_per_second) {
  send_file(request, send, content, 0);
  const std::size_t step = std::max<std::size_t>(bytes_per_second / 100, 1);
  for (std::size_t at = request.first_byte(); at < content.size(); at += step) {
    if (!send(std::string_view(content).substr(at, step))) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::size_t bytes_per_second = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0;
  FakeHub hub;
  hub.files = read_folder(argv[1]);
  std::map<std::string, const std::string*> by_hash;
  for (const HubFile& file : hub.files)
    if (file.is_large) by_hash[sha256_of(file.content)] = &file.content;
  RawServer host([&](const RawRequest& request, std::size_t, const RawServer::Send& send) {
    const auto found = by_hash.find(request.target.substr(1, 64));
    if (found == by_hash.end()) return;
    if (bytes_per_second == 0) return send_file(request, send, *found->second);
    send_slowly(request, send, *found->second, bytes_per_second);
  });
  hub.large_file_url = host.url();
  std::puts(hub.endpoint().c_str());
  std::fflush(stdout);
  while (true) ::pause();
}
