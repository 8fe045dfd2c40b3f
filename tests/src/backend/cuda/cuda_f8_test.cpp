// Static FP8 through CUDA: on devices with instructions for products of E4M3 numbers, where the
// code that was loaded has them, too, and by way of bf16 everywhere else.
#include <nlohmann/json.hpp>

#include "cuda_fixture.h"
#include "src/session/saved_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

const std::string kFolder = kModelData + "relatives/";
const std::string kModel = kFolder + "types_fp8";

std::vector<std::int32_t> golden_tokens() {
  const nlohmann::json index = read_json(kFolder + "index.json");
  for (const auto& one : index["cases"])
    if (one["case"] == "types_fp8") return one["tokens"].get<std::vector<std::int32_t>>();
  FAIL("no case types_fp8");
  return {};
}

// Enough for every product: for few rows, for some and for many.
std::vector<std::int32_t> many_tokens() {
  std::vector<std::int32_t> out;
  for (int i = 0; i < 3; ++i)
    for (const std::int32_t token : golden_tokens()) out.push_back(token);
  return out;
}

struct Device {
  int major = 9;
  int minor = 0;
  int compiled_for = 0;
};

MockCuda& use(const Device& device) {
  MockCuda& mock = MockCuda::reset();
  mock.compute_major = device.major;
  mock.compute_minor = device.minor;
  mock.compiled_for = device.compiled_for;
  return mock;
}

std::vector<float> logits_of(const std::vector<std::int32_t>& tokens, std::size_t piece,
                             const CudaBackendOptions& options = {}) {
  return eval_in_pieces(*make_session(cuda_engine(kModel, {}, options)), tokens, piece);
}

std::int64_t n_launches(const MockCuda& mock, const std::string& kernel) {
  const auto found = mock.launches.find(kernel);
  return found == mock.launches.end() ? 0 : found->second;
}

// Of products of FP8 weights: with E4M3 instructions, and by way of bf16.
struct Products {
  explicit Products(const MockCuda& mock) {
    for (const std::string shape : {"narrow", "middle", "wide"}) {
      n_native += n_launches(mock, "nemo_linear_F8_E4M3_native_" + shape);
      n_bf16 += n_launches(mock, "nemo_linear_F8_E4M3_" + shape);
    }
    n_native_inputs = n_launches(mock, "nemo_prepare_e4m3");
    n_bf16_inputs = n_launches(mock, "nemo_prepare");
  }
  bool are_native() const {
    return n_native > 0 && n_native_inputs == n_native && n_bf16 == 0 && n_bf16_inputs == 0;
  }
  bool are_bf16() const {
    return n_bf16 > 0 && n_bf16_inputs == n_bf16 && n_native == 0 && n_native_inputs == 0;
  }
  std::int64_t n_native = 0;
  std::int64_t n_bf16 = 0;
  std::int64_t n_native_inputs = 0;
  std::int64_t n_bf16_inputs = 0;
};

}  // namespace

TEST_CASE("static FP8 gives the official code's logits with and without E4M3 instructions") {
  const auto expected = read_floats(kFolder + "golden/types_fp8.bin");
  for (const Device& device : {Device{8, 9}, Device{12, 0}, Device{9, 0}}) {
    const MockCuda& mock = use(device);
    const auto logits = logits_of(golden_tokens(), 1000);
    REQUIRE(logits.size() == expected.size());
    const double error = rms_difference(logits, expected) / rms(expected);
    INFO(device.major << "." << device.minor << ": " << error);
    CHECK(error <= 0.03);
    CHECK((device.major == 9 ? Products(mock).are_bf16() : Products(mock).are_native()));
    CHECK(mock.leftovers() == "");
  }
}

TEST_CASE("with E4M3 instructions no cut of a prompt changes a byte") {
  const MockCuda& mock = use({8, 9});
  const auto tokens = many_tokens();
  const auto whole = logits_of(tokens, 1000);
  CHECK(n_launches(mock, "nemo_linear_F8_E4M3_native_wide") > 0);
  for (const std::size_t piece : {1u, 8u, 9u, 33u, 64u})
    CHECK(same_bytes(logits_of(tokens, piece), whole));
  CHECK(n_launches(mock, "nemo_linear_F8_E4M3_native_narrow") > 0);
  CHECK(n_launches(mock, "nemo_linear_F8_E4M3_native_middle") > 0);
  CHECK(Products(mock).are_native());
  CHECK(mock.leftovers() == "");
}

// What runs is what the driver picked in the module: code for an older device has no E4M3
// instructions, nor has code for a newer one that makes them of others.
TEST_CASE("without E4M3 instructions in the code or the device products go by way of bf16") {
  use({9, 0});
  const auto tokens = golden_tokens();
  const auto expected = logits_of(tokens, 1000);
  for (const Device& device : {Device{8, 9, 80}, Device{8, 9, 86}, Device{12, 0, 90}, Device{8, 0},
                               Device{9, 0, 89}, Device{10, 0, 89}, Device{11, 0}}) {
    const MockCuda& mock = use(device);
    INFO(device.major << "." << device.minor << ", compiled for " << device.compiled_for);
    CHECK(same_bytes(logits_of(tokens, 1000), expected));
    CHECK(Products(mock).are_bf16());
  }
  for (const Device& device : {Device{8, 9, 89}, Device{12, 1, 89}, Device{12, 1, 120}}) {
    const MockCuda& mock = use(device);
    logits_of({tokens[0]}, 1);
    CHECK(Products(mock).are_native());
  }
  const MockCuda& mock = use({8, 9, 75});
  logits_of(tokens, 1000);
  CHECK(n_launches(mock, "nemo_linear_F8_E4M3_ref") > 0);
  CHECK(Products(mock).n_native + Products(mock).n_bf16 == 0);
}

TEST_CASE("inputs that are not rounded, and plain products, use no E4M3 instructions") {
  const auto expected = read_floats(kFolder + "golden/types_fp8_weight_only.bin");
  const MockCuda& mock = use({8, 9});
  CudaBackendOptions options;
  options.fp8_weight_only = true;
  const auto logits = logits_of(golden_tokens(), 1000, options);
  CHECK(rms_difference(logits, expected) <= 0.03 * rms(expected));
  const Products products(mock);
  CHECK(products.n_bf16 > 0);
  CHECK(products.n_native + products.n_native_inputs + products.n_bf16_inputs == 0);

  const MockCuda& other = use({8, 9});
  options = {};
  options.plain_kernels = kProductKernels;
  logits_of({golden_tokens()[0]}, 1, options);
  CHECK(n_launches(other, "nemo_linear_F8_E4M3_ref") > 0);
  CHECK(Products(other).n_native == 0);
}
