// tokenize_strings TOKENIZER_JSON 0|1: strings on stdin, each after its length (u32), become ids on
// stdout, each list after its length (i32), in the machine's byte order. The second argument says
// whether added tokens are recognised. For tests/data/tokenizer/compare_100k.py.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "tokenizer/tokenizer.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::ifstream file(argv[1], std::ios::binary);
  const std::string json((std::istreambuf_iterator<char>(file)), {});
  const auto tokenizer = nemotron::Tokenizer::from_json(json, "");
  if (!tokenizer.is_ok()) {
    std::fprintf(stderr, "%s\n", tokenizer.status().message().c_str());
    return 1;
  }
  std::uint32_t n_bytes = 0;
  std::string text;
  std::vector<std::int32_t> ids;
  while (std::fread(&n_bytes, sizeof n_bytes, 1, stdin) == 1) {
    text.resize(n_bytes);
    if (std::fread(text.data(), 1, n_bytes, stdin) != n_bytes) return 1;
    ids.assign(1, 0);
    if (!tokenizer.value().encode(text, argv[2][0] == '1', ids).is_ok()) return 1;
    ids[0] = static_cast<std::int32_t>(ids.size() - 1);
    std::fwrite(ids.data(), sizeof ids[0], ids.size(), stdout);
  }
  return 0;
}
