#include "hub/choose_files.h"

#include <catch2/catch.hpp>
#include <initializer_list>

namespace nemotron::hub {
namespace {

std::vector<RepoFile> files_of(std::initializer_list<const char*> paths) {
  std::vector<RepoFile> files;
  for (const char* path : paths) files.push_back({path, 1, "", false});
  return files;
}

std::string chosen(const std::vector<RepoFile>& files, const std::string& wanted = "") {
  const auto choice = choose_files(files, wanted);
  if (!choice.is_ok()) return "error: " + choice.status().message();
  std::string text = choice.value().entry + " <";
  for (const RepoFile& file : choice.value().files) text += " " + file.path;
  return text;
}

TEST_CASE("the only GGUF file, and nothing else") {
  CHECK(chosen(files_of({"README.md", "config.json", "m-Q4_K_M.gguf", "mmproj-f16.gguf"})) ==
        "m-Q4_K_M.gguf < m-Q4_K_M.gguf");
}

TEST_CASE("several GGUF files: by path or by a word of the name") {
  const auto files = files_of({"m-Q4_K_M.gguf", "m-Q4_K.gguf", "q8/m-Q8_0.gguf", "m-UD-Q8_0.gguf"});
  const std::string error = chosen(files);
  for (const RepoFile& file : files) CHECK(error.find("\n  " + file.path) != std::string::npos);
  CHECK(chosen(files, "q8/m-Q8_0.gguf") == "q8/m-Q8_0.gguf < q8/m-Q8_0.gguf");
  CHECK(chosen(files, "q4_k") == "m-Q4_K.gguf < m-Q4_K.gguf");
  CHECK(chosen(files, "Q4_K_M") == "m-Q4_K_M.gguf < m-Q4_K_M.gguf");
  CHECK(chosen(files, "UD-Q8_0") == "m-UD-Q8_0.gguf < m-UD-Q8_0.gguf");
  CHECK(choose_files(files, "Q8_0").status().code() == StatusCode::kInvalidArgument);
  CHECK(choose_files(files, "Q5_0").status().code() == StatusCode::kFileNotFound);
  CHECK(chosen(files, "Q5_0").find("m-Q4_K.gguf") != std::string::npos);
}

TEST_CASE("a GGUF file in parts") {
  const auto files = files_of({"a-00001-of-00002.gguf", "a-00002-of-00002.gguf", "README.md"});
  CHECK(chosen(files) == "a-00001-of-00002.gguf < a-00001-of-00002.gguf a-00002-of-00002.gguf");
  CHECK(choose_files(files_of({"a-00001-of-00002.gguf"}), "").status().code() ==
        StatusCode::kFileNotFound);
}

TEST_CASE("safetensors with what belongs to it") {
  const auto files = files_of({".gitattributes", "README.md", "chat_template.jinja", "config.json",
                               "hf_quant_config.json", "images/x.png", "model.safetensors",
                               "modeling_x.py", "onnx/model.safetensors", "pytorch_model.bin",
                               "tokenizer.json", "tokenizer_config.json"});
  CHECK(chosen(files) ==
        "model.safetensors < config.json hf_quant_config.json tokenizer.json tokenizer_config.json "
        "chat_template.jinja model.safetensors");
  CHECK(chosen(files, "onnx/model.safetensors") ==
        "onnx/model.safetensors < onnx/model.safetensors");
  CHECK(chosen(files, "README.md") == "README.md < README.md");
}

TEST_CASE("safetensors in shards") {
  const auto files = files_of(
      {"config.json", "consolidated.safetensors", "model-00001-of-00002.safetensors",
       "model-00002-of-00002.safetensors", "model.safetensors.index.json", "tokenizer.json"});
  const std::string all =
      " < config.json tokenizer.json model.safetensors.index.json "
      "model-00001-of-00002.safetensors model-00002-of-00002.safetensors";
  CHECK(chosen(files) == "model.safetensors.index.json" + all);
  CHECK(chosen(files, "model-00002-of-00002.safetensors") ==
        "model-00002-of-00002.safetensors" + all);
  CHECK(choose_files(files_of({"model-00001-of-00002.safetensors", "model.safetensors.index.json"}),
                     "")
            .status()
            .code() == StatusCode::kFileNotFound);
  CHECK(choose_files(files_of({"model.safetensors.index.json"}), "").status().code() ==
        StatusCode::kFileNotFound);
}

TEST_CASE("both kinds, or none") {
  const auto both = files_of({"config.json", "model.safetensors", "m.gguf"});
  CHECK(choose_files(both, "").status().code() == StatusCode::kInvalidArgument);
  CHECK(chosen(both, "m.gguf") == "m.gguf < m.gguf");
  CHECK(chosen(both, "model.safetensors") == "model.safetensors < config.json model.safetensors");
  CHECK(choose_files(files_of({"pytorch_model.bin"}), "").status().code() ==
        StatusCode::kFileNotFound);
  CHECK(choose_files({}, "").status().code() == StatusCode::kFileNotFound);
}

TEST_CASE("a chosen path is checked, others are not touched") {
  CHECK(choose_files(files_of({"../m.gguf"}), "").status().code() == StatusCode::kBadFile);
  CHECK(choose_files(files_of({"..\\m.gguf"}), "").status().code() == StatusCode::kBadFile);
  CHECK(choose_files(files_of({"/m-Q4_0.gguf"}), "Q4_0").status().code() == StatusCode::kBadFile);
  CHECK(chosen(files_of({"../README.md", "m.gguf"})) == "m.gguf < m.gguf");
}

}  // namespace
}  // namespace nemotron::hub
