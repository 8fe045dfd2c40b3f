// Opening the tiny models in every way, and reading what the Python packages read.
#include "formats/open_model.h"

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>

#include "json/json_value.h"
#include "lib/io/temp_folder.h"
#include "src/formats/tiny_models.h"

using namespace nemotron;

namespace {
// Compares every tensor of `file` with the facts that make_tiny_models.py noted.
void check_tensors(const ModelFile& file, const std::string& facts_name) {
  const std::string text = read_data(facts_name);
  const auto facts = parse_json(text);
  REQUIRE(facts.is_ok());
  const JsonValue* tensors = facts->find("tensors");
  REQUIRE(tensors != nullptr);
  CHECK(tensors->members().size() == file.table().size());
  for (const TensorEntry& entry : file.table()) {
    CAPTURE(entry.name);
    const JsonValue* fact = tensors->find(entry.name);
    REQUIRE(fact != nullptr);
    CHECK(fact->find("type")->to_string("type").value() == traits(entry.type).name);
    std::vector<float> values(entry.n_elements());
    REQUIRE(file.read_f32(entry, values).is_ok());
    std::uint64_t bits_sum = 0;
    for (const float value : values) bits_sum += std::bit_cast<std::uint32_t>(value);
    const auto expected = fact->find("bits_sum")->to_integer("bits_sum").value();
    CHECK(static_cast<std::int64_t>(bits_sum % (1ull << 53)) == expected);
    const auto& first = fact->find("first")->items();
    for (std::size_t i = 0; i < first.size(); ++i)
      CHECK(static_cast<double>(values[i]) == first[i].to_number("first").value());
    std::vector<std::byte> raw(entry.size_bytes);
    REQUIRE(file.read_raw(entry, 0, raw).is_ok());
    std::vector<std::byte> tail(raw.size() - 1);
    CHECK(file.read_raw(entry, 1, tail).is_ok());
    CHECK(std::equal(tail.begin(), tail.end(), raw.begin() + 1));
    CHECK(file.read_raw(entry, 1, raw).code() == StatusCode::kInternal);
    CHECK(file.read_raw(entry, UINT64_MAX, raw).code() == StatusCode::kInternal);
    CHECK(file.read_f32(entry, std::span(values).first(1)).is_ok() == (values.size() == 1));
  }
}

void check_safetensors(const ModelFile& file) {
  CHECK(file.format_name() == "safetensors");
  CHECK(file.stores_A_log());
  const ModelConfig& config = file.config();
  CHECK(config.layer_pattern() == "M-*M-");
  CHECK(config.d_model == 32);
  CHECK(config.d_inner() == 48);
  CHECK(config.conv_dim() == 80);
  CHECK(config.in_proj_rows() == 132);
  CHECK(config.eos_ids == std::vector<int>{2, 11});
  CHECK(file.tokenizer().chat_template == "{{ messages }}");
  CHECK_FALSE(file.tokenizer().has_tokenizer());
  const TensorEntry* conv = file.lookup(TensorRole::conv_weight, 3);
  REQUIRE(conv != nullptr);
  CHECK(conv->name == "backbone.layers.3.mixer.conv1d.weight");
  CHECK(shape_text(conv->dims()) == "[80, 4]");
  CHECK(file.lookup(TensorRole::conv_weight, 1) == nullptr);
  CHECK(file.lookup(TensorRole::conv_weight) == nullptr);
  CHECK(file.lookup(TensorRole::norm, 5) == nullptr);
  CHECK(file.lookup(TensorRole::output)->name == "lm_head.weight");
  check_tensors(file, "tiny_safetensors.json");
}

void check_gguf(const ModelFile& file) {
  CHECK(file.format_name() == "GGUF");
  CHECK_FALSE(file.stores_A_log());
  const ModelConfig& config = file.config();
  CHECK(config.layer_pattern() == "M-*");
  CHECK(config.n_vocab == 288);
  CHECK(config.d_inner() == 256);
  CHECK(config.n_groups == 2);
  CHECK(config.n_heads == 4);
  CHECK(config.n_kv_heads == 2);
  CHECK(config.head_dim == 32);
  CHECK(config.d_ff == 256);
  CHECK(config.max_context == 262144);
  CHECK(config.bos_id == 1);
  CHECK(config.eos_ids == std::vector<int>{11});
  CHECK_FALSE(config.tied_output);
  CHECK(shape_text(file.lookup(TensorRole::A, 0)->dims()) == "[4]");
  CHECK(shape_text(file.lookup(TensorRole::gated_norm, 0)->dims()) == "[256]");
  CHECK(file.lookup(TensorRole::down_proj, 1)->type == TensorType::kQ6_K);
  REQUIRE(file.tokenizer().vocabulary.has_value());
  const VocabularyData& vocabulary = *file.tokenizer().vocabulary;
  CHECK(vocabulary.tokens.size() == 288);
  CHECK(vocabulary.tokens[11] == "<|im_end|>");
  CHECK(vocabulary.token_types[11] == 3);
  CHECK(vocabulary.merges[3] == "hell o");
  CHECK(vocabulary.pre == "pixtral");
  CHECK(vocabulary.eos_id == 11);
  CHECK(vocabulary.add_bos == false);
  CHECK(file.tokenizer().chat_template == "{{ messages }}");
  check_tensors(file, "tiny.gguf.json");
}
}  // namespace

TEST_CASE("a safetensors model opens from its folder, its file and memory") {
  const auto from_folder = open_model(data_path("tiny_safetensors"));
  INFO(from_folder.status().message());
  REQUIRE(from_folder.is_ok());
  CHECK(from_folder->path() == data_path("tiny_safetensors") + "/model.safetensors");
  check_safetensors(from_folder.value());
  const auto from_file = open_model(data_path("tiny_safetensors/model.safetensors"));
  REQUIRE(from_file.is_ok());
  check_safetensors(from_file.value());
  const auto files = tiny_safetensors();
  const auto from_memory = open_from_memory(files);
  REQUIRE(from_memory.is_ok());
  check_safetensors(from_memory.value());
}

TEST_CASE("a GGUF model opens from its file, its folder and memory, whatever its name") {
  const std::string bytes = read_data("tiny.gguf");
  const TempFolder folder;
  const auto from_file = open_model(folder.write("model.bin", bytes));
  INFO(from_file.status().message());
  REQUIRE(from_file.is_ok());
  check_gguf(from_file.value());
  folder.write("README.md", "what lies beside it does not matter");
  const auto from_folder = open_model(folder.path());
  REQUIRE(from_folder.is_ok());
  check_gguf(from_folder.value());
  const std::vector<NamedText> files = {{"x", bytes}};
  const auto from_memory = open_from_memory(files);
  REQUIRE(from_memory.is_ok());
  check_gguf(from_memory.value());
}

TEST_CASE("what is no model is refused with a sentence") {
  const TempFolder folder;
  CHECK(open_model(folder.file("none")).status().code() == StatusCode::kFileNotFound);
  CHECK(open_model(folder.path()).status().code() == StatusCode::kFileNotFound);
  const Status text = open_model(folder.write("a.gguf", "no model at all")).status();
  CHECK(text.code() == StatusCode::kUnsupportedFormat);
  CHECK(message_has(text, "a.gguf"));
  CHECK(open_model(folder.write("empty", "")).status().code() == StatusCode::kUnsupportedFormat);
  CHECK(open_model(folder.path()).status().code() == StatusCode::kFileNotFound);
  folder.write("b.bin", read_data("tiny.gguf"));
  folder.write("c", read_data("tiny.gguf"));
  const Status two = open_model(folder.path()).status();
  CHECK(two.code() == StatusCode::kInvalidArgument);
  CHECK(message_has(two, "2 files of weights ('b.bin', 'c')"));
}

TEST_CASE("a safetensors file of any name opens from its folder and by its path") {
  const TempFolder folder;
  for (const NamedText& file : tiny_safetensors())
    folder.write(file.name == "model.safetensors" ? "weights.bin" : file.name, file.bytes);
  const auto from_folder = open_model(folder.path());
  INFO(from_folder.status().message());
  REQUIRE(from_folder.is_ok());
  CHECK(from_folder->path() == folder.file("weights.bin"));
  check_safetensors(from_folder.value());
  const auto from_file = open_model(folder.file("weights.bin"));
  REQUIRE(from_file.is_ok());
  check_safetensors(from_file.value());
}

TEST_CASE("small files beside the weights: missing, broken, chosen") {
  auto files = tiny_safetensors();
  SECTION("config.json is needed") {
    files.erase(files.begin() + 1);
    const Status status = open_from_memory(files).status();
    CHECK(status.code() == StatusCode::kFileNotFound);
    CHECK(message_has(status, "config.json"));
  }
  SECTION("a broken config.json is a bad file, not a caller's bad JSON") {
    files[1].bytes.resize(50);
    const Status status = open_from_memory(files).status();
    CHECK(status.code() == StatusCode::kBadFile);
    CHECK(message_has(status, "'config.json'"));
  }
  SECTION("generation_config.json may be missing, or wrong") {
    patch(files, "generation_config.json", "[2, 11]", "[2, 6400]");
    CHECK(message_has(open_from_memory(files).status(), "'generation_config.json'"));
    files.erase(files.begin() + 2);
    CHECK(open_from_memory(files)->config().eos_ids == std::vector<int>{2});
  }
  SECTION("without chat_template.jinja the template of tokenizer_config.json is taken") {
    files.pop_back();
    CHECK(open_from_memory(files)->tokenizer().chat_template == "from tokenizer_config");
    patch(files, "tokenizer_config.json", "\"from tokenizer_config\"",
          R"([{"name": "tool", "template": "t"}, {"name": "default", "template": "d"}])");
    CHECK(open_from_memory(files)->tokenizer().chat_template == "d");
  }
  SECTION("tokenizer.json is handed on as it is") {
    files.push_back({"some/folder/tokenizer.json", "{\"model\": {}}"});
    const auto file = open_from_memory(files);
    REQUIRE(file.is_ok());
    CHECK(file->tokenizer().tokenizer_json == "{\"model\": {}}");
    CHECK(file->tokenizer().has_tokenizer());
    CHECK(
        message_has(Status(StatusCode::kOk, file->tokenizer().tokenizer_config_json), "eos_token"));
  }
  SECTION("two files of weights are one too many") {
    files.push_back({"b", read_data("tiny.gguf")});
    CHECK(open_from_memory(files).status().code() == StatusCode::kInvalidArgument);
    CHECK(open_from_memory({}).status().code() == StatusCode::kUnsupportedFormat);
  }
}
