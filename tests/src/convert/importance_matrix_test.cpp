// Importance matrices: as llama.cpp writes them, as we do, and broken ones.
#include "convert/importance_matrix.h"

#include <cstring>
#include <limits>

#include "gguf/gguf.h"
#include "gguf/gguf_writer.h"
#include "src/convert/convert_fixture.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

ImportanceMatrix small_matrix() {
  ImportanceMatrix matrix;
  matrix.datasets = {"a.txt", "b.txt"};
  matrix.n_chunks = 7;
  matrix.chunk_tokens = 512;
  matrix.entries["blk.0.ssm_in.weight"] = {{4.0f, 0.0f, 2.5f}, 2.0f, 1.5f};
  matrix.entries["blk.1.ffn_up.weight"] = {{1.0f}, 0.0f, 0.0f};
  return matrix;
}

// Writes the small matrix with the first four bytes of a tensor replaced.
Status read_with(const TempFolder& folder, const std::string& tensor, float value) {
  REQUIRE(write_importance_matrix(folder.file("m"), small_matrix()).is_ok());
  std::string bytes = content(folder.file("m"));
  const GgufFile file = read_gguf(*open_file(folder.file("m")).value()).value();
  for (const TensorEntry& entry : file.tensors)
    if (entry.name == tensor) std::memcpy(&bytes[entry.offset_bytes], &value, sizeof value);
  return read_importance_matrix(folder.write("broken", bytes)).status();
}

bool has(const Status& status, std::string_view text) {
  return status.message().find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("what is written is read") {
  const TempFolder folder;
  const ImportanceMatrix written = small_matrix();
  REQUIRE(write_importance_matrix(folder.file("m"), written).is_ok());
  const auto found = read_importance_matrix(folder.file("m"));
  INFO(found.status().message());
  REQUIRE(found.is_ok());
  CHECK(found->datasets == written.datasets);
  CHECK(found->n_chunks == 7);
  CHECK(found->chunk_tokens == 512);
  REQUIRE(found->entries.size() == 2);
  for (const auto& [name, entry] : written.entries) {
    const auto& other = found->entries.at(name);
    CHECK(other.sums == entry.sums);
    CHECK(other.n_rows == entry.n_rows);
    CHECK(other.largest == entry.largest);
  }
}

TEST_CASE("the importance is the mean, and even where nothing was seen") {
  const ImportanceMatrix matrix = small_matrix();
  CHECK(matrix.importance("blk.0.ssm_in.weight", 3).value() ==
        std::vector<float>{2.0f, 0.0f, 1.25f});
  CHECK(matrix.importance("blk.1.ffn_up.weight", 1).value() == std::vector<float>{1.0f});
  CHECK(matrix.importance("blk.9.ffn_up.weight", 1).value().empty());
  CHECK(matrix.importance("blk.1.ffn_up.weight", 2).status().code() == StatusCode::kConfigMismatch);
}

TEST_CASE("a file of llama.cpp is read, which does not say how large inputs are") {
  const auto matrix = read_importance_matrix(data_path("convert/demo.imatrix.gguf"));
  INFO(matrix.status().message());
  REQUIRE(matrix.is_ok());
  CHECK(matrix->datasets == std::vector<std::string>{"LICENSE"});
  CHECK(matrix->n_chunks == 6);
  CHECK(matrix->chunk_tokens == 64);
  CHECK(matrix->entries.size() == 22);
  for (const auto& [name, entry] : matrix->entries) {
    CHECK(entry.n_rows == 6 * 64);
    CHECK(entry.largest == 0.0f);
  }
}

// Our file has nothing that llama.cpp's has not, but for tensors of which it knows nothing.
TEST_CASE("keys and shapes are those of llama.cpp") {
  const TempFolder folder;
  REQUIRE(write_importance_matrix(folder.file("m"), small_matrix()).is_ok());
  const GgufFile found = read_gguf(*open_file(folder.file("m")).value()).value();
  const GgufFile expected =
      read_gguf(*open_file(data_path("convert/demo.imatrix.gguf")).value()).value();
  CHECK(found.metadata.size() == expected.metadata.size());
  for (const auto& [key, value] : expected.metadata) {
    INFO(key);
    REQUIRE(found.find(key) != nullptr);
    CHECK(found.find(key)->kind_text() == value.kind_text());
  }
  CHECK(found.get_string("general.type").value() == "imatrix");
  const auto shape_of = [](const GgufFile& file, std::string_view name) {
    for (const TensorEntry& tensor : file.tensors)
      if (tensor.name == name) return shape_text(tensor.dims());
    return std::string();
  };
  CHECK(shape_of(found, "blk.0.ssm_in.weight.in_sum2") == "[3]");
  CHECK(shape_of(expected, "blk.0.ssm_in.weight.in_sum2") == "[256]");
  CHECK(shape_of(found, "blk.0.ssm_in.weight.counts") == "[1]");
  CHECK(shape_of(expected, "blk.0.ssm_in.weight.counts") == "[1]");
}

TEST_CASE("what is no importance matrix is refused by name") {
  const TempFolder folder;
  const auto read = [](const std::string& path) { return read_importance_matrix(path).status(); };
  CHECK(read(folder.file("none")).code() == StatusCode::kFileNotFound);
  CHECK(has(read(folder.write("text", "hello")), "no importance matrix"));
  CHECK(has(read(data_path("model/gguf/tiny_chat.gguf")), "'imatrix.datasets' lacks"));
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float value : {-1.0f, infinity, nan}) {
    for (const char* ending : {".in_sum2", ".counts", ".in_max"}) {
      const std::string name = std::string("blk.0.ssm_in.weight") + ending;
      const Status status = read_with(folder, name, value);
      CHECK(status.code() == StatusCode::kBadFile);
      CHECK(has(status, name));
    }
  }
}

TEST_CASE("sums without counts, and counts that do not fit") {
  const TempFolder folder;
  const auto read = [&](std::uint64_t n_counts, float first_count = 2.0f) {
    GgufMetadata metadata;
    metadata.set_strings("imatrix.datasets", std::vector<std::string>{});
    metadata.set_uint32("imatrix.chunk_count", 1);
    metadata.set_uint32("imatrix.chunk_size", 1);
    TensorTable tensors(n_counts == 0 ? 1 : 2);
    tensors[0].name = "m.in_sum2";
    tensors[0].n_dims = 1;
    tensors[0].shape[0] = 4;
    if (n_counts > 0) {
      tensors[1].name = "m.counts";
      tensors[1].n_dims = 1;
      tensors[1].shape[0] = n_counts;
    }
    const auto output = create_gguf(folder.file("m"), metadata, tensors).value();
    const std::vector<float> values = {8.0f, 6.0f, 4.0f, 2.0f};
    REQUIRE(output->write(0, 0, std::as_bytes(std::span(values))).is_ok());
    const std::vector<float> counts = {first_count, 0.0f, 1.0f};
    if (n_counts > 0)
      REQUIRE(output->write(1, 0, std::as_bytes(std::span(counts).first(n_counts))).is_ok());
    REQUIRE(output->finish().is_ok());
    return read_importance_matrix(folder.file("m"));
  };
  CHECK(has(read(0).status(), "'m.in_sum2' without its counts"));
  CHECK(has(read(3).status(), "3 counts for 4 sums of 'm'"));
  CHECK(read(1)->importance("m", 4).value() == std::vector<float>{4.0f, 3.0f, 2.0f, 1.0f});
  // Two parts, of which the second was never used.
  CHECK(read(2)->importance("m", 4).value() == std::vector<float>{4.0f, 3.0f, 1.0f, 1.0f});
  CHECK(has(read(2, 1e-45f).status(), "of 'm' whose mean is infinite"));
}
