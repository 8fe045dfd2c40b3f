// A quantized model is what llama.cpp's quantizer makes of the same weights, from whatever form.
#include "convert/quantize_model.h"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/float_types.h"
#include "convert/synthesize.h"
#include "formats/open_model.h"
#include "gguf/gguf.h"
#include "gguf/gguf_writer.h"
#include "io/paths.h"
#include "lib/io/temp_folder.h"
#include "safetensors/safetensors.h"
#include "src/convert/convert_fixture.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

struct OpenGguf {
  explicit OpenGguf(const std::string& path)
      : source(open_file(path).value()), file(read_gguf(*source).value()) {}

  std::vector<std::byte> bytes(const TensorEntry& entry) const {
    std::vector<std::byte> out(entry.size_bytes);
    REQUIRE(source->read_at(entry.offset_bytes, out).is_ok());
    return out;
  }
  std::string describe(const TensorEntry& entry) const {
    char crc[16];
    std::snprintf(crc, sizeof crc, " %08x", crc32(bytes(entry)));
    return std::string(traits(entry.type).name) + crc;
  }

  std::unique_ptr<DataSource> source;
  GgufFile file;
};

}  // namespace

TEST_CASE("every type of file has llama.cpp's types and bytes") {
  const bool has_importance = GENERATE(false, true);
  const std::string name = has_importance ? "llama_quantize_imatrix" : "llama_quantize";
  const auto goldens = nlohmann::json::parse(content(data_path("convert/" + name + ".json")));
  const std::string imatrix_path = has_importance ? data_path("convert/tiny.imatrix.gguf") : "";
  const TempFolder folder;
  for (const auto& [type, expected] : goldens.items()) {
    if (type == "common" || type == "llama.cpp") continue;
    REQUIRE(quantize_to(tiny_folder(), folder.file("x"), type, 2, imatrix_path).is_ok());
    const OpenGguf found(folder.file("x"));
    CHECK(found.file.tensors.size() == expected.size() + goldens["common"].size());
    for (const TensorEntry& entry : found.file.tensors) {
      INFO(name << ", " << type << ", " << entry.name);
      const auto& list = expected.contains(entry.name) ? expected : goldens["common"];
      REQUIRE(list.contains(entry.name));
      CHECK(found.describe(entry) == list[entry.name].get<std::string>());
    }
  }
}

TEST_CASE("a file says which importance matrix it was made with") {
  const TempFolder folder;
  const std::string imatrix_path = data_path("convert/tiny.imatrix.gguf");
  REQUIRE(quantize_to(tiny_folder(), folder.file("x"), "q4_k_m", 2, imatrix_path).is_ok());
  const OpenGguf found(folder.file("x"));
  CHECK(found.file.get_string("quantize.imatrix.file").value() == imatrix_path);
  CHECK(found.file.get_string("quantize.imatrix.dataset").value() == "made up");
  CHECK(found.file.get_uint("quantize.imatrix.entries_count").value() == 35);
  CHECK(found.file.get_uint("quantize.imatrix.chunks_count").value() == 3);
  REQUIRE(quantize_to(tiny_folder(), folder.file("plain"), "q4_k_m").is_ok());
  CHECK(OpenGguf(folder.file("plain")).file.find("quantize.imatrix.file") == nullptr);
}

TEST_CASE("the importance matrix of another model is refused") {
  const TempFolder folder;
  const std::string out = folder.file("x");
  const std::string other = data_path("convert/demo.imatrix.gguf");  // other widths
  const Status status = quantize_to(tiny_folder(), out, "q4_k_m", 2, other);
  CHECK(status.code() == StatusCode::kConfigMismatch);
  CHECK(status.message().find("blk.0.ssm_in.weight") != std::string::npos);
  CHECK(quantize_to(tiny_folder(), out, "q4_0", 2, folder.file("none")).code() ==
        StatusCode::kFileNotFound);
  CHECK(quantize_to(tiny_folder(), out, "q4_0", 2, data_path("convert/fp8.json")).code() ==
        StatusCode::kBadFile);
  CHECK(list_directory(folder.path()).value().empty());
}

TEST_CASE("the file is the same from safetensors and GGUF, for any number of threads") {
  const TempFolder folder;
  REQUIRE(quantize_to(tiny_folder(), folder.file("bf16"), "bf16").is_ok());
  REQUIRE(quantize_to(tiny_folder(), folder.file("a"), "q4_k_m", 1).is_ok());
  REQUIRE(quantize_to(folder.file("bf16"), folder.file("b"), "q4_k_m", 3).is_ok());
  const OpenGguf a(folder.file("a")), b(folder.file("b"));
  REQUIRE(a.file.tensors.size() == b.file.tensors.size());
  for (std::size_t i = 0; i < a.file.tensors.size(); ++i) {
    CHECK(a.file.tensors[i].name == b.file.tensors[i].name);
    CHECK((a.bytes(a.file.tensors[i]) == b.bytes(b.file.tensors[i])));
  }
  CHECK(a.file.get_uint("general.file_type").value() == 15);
  CHECK(b.file.get_uint("general.file_type").value() == 15);
  REQUIRE(quantize_to(tiny_folder(), folder.file("c"), "q4_k_m", 3).is_ok());
  CHECK((content(folder.file("a")) == content(folder.file("c"))));
}

TEST_CASE("an opened quantized model has the configuration of its source") {
  const TempFolder folder;
  REQUIRE(quantize_to(tiny_folder(), folder.file("x.gguf"), "q8_0").is_ok());
  const auto found = open_model(folder.file("x.gguf"));
  const auto expected = open_model(tiny_folder());
  REQUIRE(found.is_ok());
  CHECK(found->config().layer_pattern() == expected->config().layer_pattern());
  CHECK(found->config().max_context == expected->config().max_context);
  CHECK(found->config().norm_eps == expected->config().norm_eps);
  CHECK(found->config().d_inner() == expected->config().d_inner());
  CHECK(found->config().n_groups == expected->config().n_groups);
  const auto A_log = values_of(expected.value(), TensorRole::A, 0);
  const auto A = values_of(found.value(), TensorRole::A, 0);
  for (std::size_t i = 0; i < A.size(); ++i) CHECK(A[i] == Approx(-std::exp(A_log[i])));
}

// The public converter's own layout: the same model is at hand as safetensors and as GGUF.
TEST_CASE("weights from safetensors lie as the public converter lays them out") {
  const TempFolder folder;
  REQUIRE(quantize_to(data_path("model/hf/tiny_chat"), folder.file("x"), "f32").is_ok());
  const auto found = open_model(folder.file("x"));
  const auto expected = open_model(data_path("model/gguf/tiny_chat.gguf"));
  REQUIRE(found.is_ok());
  REQUIRE(expected.is_ok());
  for (int layer = 0; layer < expected->config().n_layers; ++layer) {
    const LayerKind kind = expected->config().layers[static_cast<std::size_t>(layer)];
    for (const TensorRole role : layer_roles(kind)) {
      const auto a = values_of(found.value(), role, layer);
      const auto b = values_of(expected.value(), role, layer);
      INFO(tensor_name(NameStyle::gguf, {role, layer}));
      REQUIRE(a.size() == b.size());
      double error = 0, norm = 0;
      for (std::size_t i = 0; i < a.size(); ++i) {
        error += std::pow(double{a[i]} - b[i], 2);
        norm += std::pow(double{b[i]}, 2);
      }
      CHECK(error <= 0.02 * 0.02 * norm);  // the GGUF's own rounding
    }
  }
  REQUIRE(found->tokenizer().vocabulary.has_value());
  const auto& vocabulary = *found->tokenizer().vocabulary;
  CHECK((vocabulary.tokens == expected->tokenizer().vocabulary->tokens));
  CHECK((vocabulary.merges == expected->tokenizer().vocabulary->merges));
  CHECK((found->tokenizer().chat_template == expected->tokenizer().chat_template));
}

TEST_CASE("metadata of a GGUF comes along") {
  const TempFolder folder;
  const std::string input = data_path("model/gguf/tiny_chat.gguf");
  REQUIRE(quantize_to(input, folder.file("x"), "q8_0").is_ok());
  const OpenGguf before(input), after(folder.file("x"));
  for (const auto& [key, value] : before.file.metadata) {
    if (key == "general.file_type" || key == "general.quantization_version") continue;
    INFO(key);
    const GgufValue* found = after.file.find(key);
    REQUIRE(found != nullptr);
    std::string a, b;
    CHECK(value.append_to(a));
    CHECK(found->append_to(b));
    CHECK((a == b));
  }
}

TEST_CASE("the scale of a tensor in a GGUF is part of its weights") {
  const TempFolder folder;
  REQUIRE(quantize_to(tiny_folder(), folder.file("plain"), "q8_0").is_ok());
  const OpenGguf plain(folder.file("plain"));
  GgufMetadata metadata;
  for (const auto& [key, value] : plain.file.metadata) metadata.set_value(key, value);
  TensorTable tensors = plain.file.tensors;
  TensorEntry scale;
  scale.name = "blk.1.ffn_up.scale";
  scale.n_dims = 1;
  scale.shape[0] = 1;
  tensors.push_back(scale);
  const auto scaled = create_gguf(folder.file("scaled"), metadata, tensors);
  REQUIRE(scaled.is_ok());
  for (std::size_t i = 0; i + 1 < tensors.size(); ++i)
    REQUIRE(scaled.value()->write(i, 0, plain.bytes(plain.file.tensors[i])).is_ok());
  const float value = 0.5f;
  REQUIRE(
      scaled.value()->write(tensors.size() - 1, 0, std::as_bytes(std::span(&value, 1))).is_ok());
  REQUIRE(scaled.value()->finish().is_ok());

  REQUIRE(quantize_to(folder.file("plain"), folder.file("a"), "f32").is_ok());
  REQUIRE(quantize_to(folder.file("scaled"), folder.file("b"), "f32").is_ok());
  const auto as_they_were = open_model(folder.file("a"));
  const auto with_scale = open_model(folder.file("b"));
  REQUIRE(with_scale.is_ok());
  for (const TensorRole role : {TensorRole::up_proj, TensorRole::down_proj}) {
    auto expected = values_of(as_they_were.value(), role, 1);
    if (role == TensorRole::up_proj)
      for (float& weight : expected) weight *= value;
    CHECK(values_of(with_scale.value(), role, 1) == expected);
  }
}

TEST_CASE("what cannot be quantized") {
  const TempFolder folder;
  const std::string out = folder.file("x");
  CHECK(quantize_to(tiny_folder(), out, "q9").code() == StatusCode::kInvalidArgument);
  CHECK(quantize_to(tiny_folder(), out + "/", "q8_0").code() == StatusCode::kInvalidArgument);
  CHECK(quantize_to(folder.file("none"), out, "q8_0").code() == StatusCode::kFileNotFound);
  CHECK(quantize_to(tiny_folder(), folder.file("no/x"), "q8_0").code() == StatusCode::kFileWrite);
  QuantizeOptions options;
  options.progress = [](std::uint64_t, std::uint64_t) { return 1; };
  CHECK(quantize_model(tiny_folder(), out, options).code() == StatusCode::kCancelled);
  CHECK(list_directory(folder.path()).value().empty());
}

TEST_CASE("a weight that is not finite is named") {
  const TempFolder folder;
  REQUIRE(quantize_to(tiny_folder(), folder.file("bf16"), "bf16").is_ok());
  std::string bytes = content(folder.file("bf16"));
  const OpenGguf file(folder.file("bf16"));
  const TensorEntry& last = file.file.tensors.back();
  const bf16_bits infinity = 0x7f80;
  REQUIRE(last.type == TensorType::kBF16);
  std::memcpy(&bytes[last.offset_bytes + last.size_bytes - 2], &infinity, 2);
  folder.write("bad", bytes);
  const Status status = quantize_to(folder.file("bad"), folder.file("x"), "q4_0");
  CHECK(status.code() == StatusCode::kBadFile);
  CHECK(status.message().find(last.name) != std::string::npos);
  CHECK_FALSE(is_regular_file(folder.file("x")));
}
