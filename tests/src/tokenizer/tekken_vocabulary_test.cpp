// The real 131,072-token vocabulary (tekken-240718.json), looked for under $NEMO_TEST_DATA/tekken,
// then beside the repository in shared/data/tekken. Exit code 77, "skipped", where it is not found.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <unordered_map>

#include "bpe/byte_alphabet.h"
#include "src/tokenizer/golden_ids.h"
#include "tokenizer/tokenizer.h"

namespace nemotron {

namespace {

constexpr std::int32_t kSpecialSlots = 1000;

std::string find_folder() {
  const char* data = std::getenv("NEMO_TEST_DATA");
  const std::string folders[] = {std::string(data == nullptr ? "" : data) + "/tekken/",
                                 NEMO_SOURCE_DIR "/../shared/data/tekken/"};
  for (const std::string& folder : folders)
    if (!read_file(folder + "tekken-240718.json").empty()) return folder;
  return {};
}

std::string from_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int n_bits = 0;
  for (const char digit : text) {
    if (digit == '=') break;
    bits = bits << 6 | static_cast<std::uint32_t>(kDigits.find(digit));
    n_bits += 6;
    if (n_bits < 8) continue;
    n_bits -= 8;
    bytes += static_cast<char>(bits >> n_bits & 0xFF);
  }
  return bytes;
}

// The file's tokens in the order of their ranks: "! 0 " and then base64, blank between.
std::vector<std::string> read_ranks(const std::string& file) {
  const auto text = nlohmann::json::parse(read_file(file))["bpe_ranks"].get<std::string>();
  std::vector<std::string> tokens;
  for (std::size_t begin = 4; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    tokens.push_back(from_base64(std::string_view(text).substr(begin, end - begin)));
    begin = end + 1;
  }
  return tokens;
}

// Every way to make a token of two others, by the token's rank, then by the parts' ranks: how the
// merges of Hugging Face files are derived from a vocabulary that has only ranks.
std::vector<std::string> derive_merges(const std::vector<std::string>& tokens) {
  std::unordered_map<std::string_view, std::uint32_t> ranks;
  for (std::uint32_t rank = 0; rank < tokens.size(); ++rank) ranks[tokens[rank]] = rank;
  std::vector<std::string> merges;
  for (const std::string_view token : tokens) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> parts;
    for (std::size_t i = 1; i < token.size(); ++i) {
      const auto left = ranks.find(token.substr(0, i));
      const auto right = ranks.find(token.substr(i));
      if (left != ranks.end() && right != ranks.end())
        parts.emplace_back(left->second, right->second);
    }
    std::sort(parts.begin(), parts.end());
    for (const auto& [left, right] : parts)
      merges.push_back(alphabet_from_bytes(tokens[left]) + " " +
                       alphabet_from_bytes(tokens[right]));
  }
  return merges;
}

VocabularyData read_vocabulary() {
  const std::vector<std::string> ranks = read_ranks(find_folder() + "tekken-240718.json");
  VocabularyData data;
  data.pre = "pixtral";
  data.tokens = {"<unk>",
                 "<s>",
                 "</s>",
                 "[INST]",
                 "[/INST]",
                 "[AVAILABLE_TOOLS]",
                 "[/AVAILABLE_TOOLS]",
                 "[TOOL_RESULTS]",
                 "[/TOOL_RESULTS]",
                 "[TOOL_CALLS]",
                 "<|im_start|>",
                 "<|im_end|>",
                 "<think>",
                 "</think>",
                 "<tool_call>",
                 "</tool_call>",
                 "<tool_response>",
                 "</tool_response>"};
  for (std::int32_t id = 18; id < kSpecialSlots; ++id)
    data.tokens.push_back("<SPECIAL_" + std::to_string(id) + ">");
  data.token_types.assign(kSpecialSlots, static_cast<std::int32_t>(TokenType::kControl));
  for (const std::string& token : ranks) data.tokens.push_back(alphabet_from_bytes(token));
  data.token_types.resize(data.tokens.size(), static_cast<std::int32_t>(TokenType::kNormal));
  data.merges = derive_merges(ranks);
  return data;
}

const Tokenizer& real_tokenizer() {
  static const Tokenizer tokenizer = [] {
    Result<Tokenizer> made = Tokenizer::from_vocabulary(read_vocabulary());
    INFO(made.status().message());
    REQUIRE(made.is_ok());
    return std::move(made).value();
  }();
  return tokenizer;
}

// Before Catch2's main, so that no case runs without the file.
[[maybe_unused]] const bool is_there = [] {
  if (!find_folder().empty()) return true;
  std::puts("skipped: no tekken-240718.json; set NEMO_TEST_DATA to the folder that has tekken/");
  std::exit(77);
}();

}  // namespace

TEST_CASE("the real vocabulary has the published counts") {
  CHECK(read_vocabulary().tokens.size() == 131072);
  CHECK(read_vocabulary().merges.size() == 269443);
  CHECK(real_tokenizer().n_vocab() == 131072);
  CHECK(encode(real_tokenizer(), " Paris", false) == Ids{6993});
  CHECK(encode(real_tokenizer(), "\n", false) == Ids{1010});
  CHECK(encode(real_tokenizer(), "!\n/x", false) == Ids{11330, 1047, 1120});
}

TEST_CASE("with the split of Llama 3 the ids are those of llama.cpp") {
  Result<Tokenizer> tokenizer = Tokenizer::from_vocabulary(read_vocabulary());
  REQUIRE(tokenizer.is_ok());
  tokenizer.value().use_llama3_split();
  CHECK(encode(tokenizer.value(), "!\n/x", false) == Ids{11330, 27432});
}

// check.ids.json holds the ids whose text in Python, str(ids), has the SHA-256
// 0e9433cbbb161f89e264eb32e8e64bfe69e834973ffca5d41d3948a604a3e2a3, by which the GGUF converter
// knows this tokenizer.
TEST_CASE("the check text has the ids of the published hash") {
  const std::string text = read_file(find_folder() + "check.txt");
  const auto ids = nlohmann::json::parse(read_file(find_folder() + "check.ids.json")).get<Ids>();
  REQUIRE(ids.size() == 230);
  CHECK(encode(real_tokenizer(), text, false) == ids);
  CHECK(decode(real_tokenizer(), ids) == text);
}

TEST_CASE("ids of the real vocabulary are those of tokenizers") {
  check_golden_ids(real_tokenizer(), "tekken_ids.json");
}

TEST_CASE("any bytes survive the real vocabulary") {
  std::mt19937 random(29);
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (std::size_t n = random() % 200; n > 0; --n) text += static_cast<char>(random());
    REQUIRE(decode(real_tokenizer(), encode(real_tokenizer(), text, i % 2 == 0)) == text);
  }
}

TEST_CASE("long runs are merged in good time") {
  for (const char* unit : {"a", "ab", "語", " ", "-", "\xFF", "aB"}) {
    std::string text;
    while (text.size() < 1000000) text += unit;
    REQUIRE(decode(real_tokenizer(), encode(real_tokenizer(), text, true)) == text);
  }
}

}  // namespace nemotron
