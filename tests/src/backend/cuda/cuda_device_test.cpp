// The stream that all computing is enqueued on: a host's, or one of our own with its priority.
#include "backend/cuda/cuda_device.h"

#include <algorithm>

#include "backend/compare_side.h"
#include "cuda_fixture.h"
#include "src/session/saved_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

const std::string kModel = kModelData + "hf/tiny_chat";

// What a host does with the device itself, in the mock's primary context.
struct Host {
  Host() {
    REQUIRE(cuda.retain_primary(&context, 0) == kCuOk);
    in_context([&] { REQUIRE(cuda.create_stream(&stream, kCuStreamNonBlocking, -2) == kCuOk); });
  }
  ~Host() {
    in_context([&] { cuda.destroy_stream(stream); });
    cuda.release_primary(0);
  }
  template <typename Call>
  void in_context(const Call& call) {
    REQUIRE(cuda.push(context) == kCuOk);
    call();
    CuContext popped = nullptr;
    REQUIRE(cuda.pop(&popped) == kCuOk);
  }

  CudaDriver cuda = MockCuda::driver();
  CuContext context = nullptr;
  CuStream stream = nullptr;
};

CudaBackendOptions options_with(CuContext context, CuStream stream) {
  CudaBackendOptions options;
  options.device.context = context;
  options.device.stream = stream;
  return options;
}

}  // namespace

TEST_CASE("on a host's stream the bytes are the same, graphs too, and the stream is left to it") {
  MockCuda& mock = MockCuda::reset();
  const auto tokens = [](const auto& engine) { return some_tokens(*engine, 20); };
  std::vector<float> expected;
  {
    const auto engine = cuda_engine(kModel);
    expected = eval_in_pieces(*make_session(engine), tokens(engine), 1);
  }
  {
    const Host host;
    const std::uint64_t n_before = mock.streams.at(host.stream)->n_done;
    {
      auto engine = try_cuda_engine(kModel, {}, options_with(host.context, host.stream));
      REQUIRE(engine.is_ok());
      const std::int64_t n_graphs = mock.count("launch_graph");
      const auto logits = eval_in_pieces(*make_session(engine.value()), tokens(engine.value()), 1);
      CHECK(same_bytes(logits, expected));
      CHECK(mock.count("launch_graph") - n_graphs == 19);
      // A copy and a launch of a graph for each but the first.
      CHECK(mock.streams.at(host.stream)->n_done - n_before >= 2 * 19);
    }
    CHECK(mock.streams.count(host.stream) == 1);
  }
  CHECK(mock.leftovers() == "");
}

TEST_CASE("what the host enqueued behind a step is not waited for") {
  MockCuda& mock = MockCuda::reset();
  Host host;
  auto backend = CudaBackend::create(MockCuda::driver(), MockCuda::module(),
                                     options_with(host.context, host.stream));
  REQUIRE(backend.is_ok());
  auto x = backend.value()->allocate(4);
  auto y = backend.value()->allocate(4);
  REQUIRE((x.is_ok() && y.is_ok()));
  const float two = 2.0f;
  REQUIRE(backend.value()->write(x.value(), {&two, 1}).is_ok());
  const TensorView view_of_x{x.value().floats(), 1, 1, 1};
  const TensorView view_of_y{y.value().floats(), 1, 1, 1};
  backend.value()->add(view_of_x, view_of_y);
  RunLimit late;  // enqueues without waiting
  late.deadline = RunLimit::Clock::now() - std::chrono::seconds(1);
  REQUIRE_FALSE(backend.value()->advance(late).value());
  float host_memory = 0.0f;
  host.in_context([&] {
    REQUIRE(host.cuda.copy_to_host(&host_memory, reinterpret_cast<std::uintptr_t>(y.value().data()),
                                   4, host.stream) == kCuOk);
  });
  REQUIRE(backend.value()->synchronize().is_ok());
  CHECK(*y.value().floats() == 2.0f);
  CHECK(host_memory == 0.0f);
  host.in_context([&] { REQUIRE(host.cuda.synchronize(host.stream) == kCuOk); });
  CHECK(host_memory == 2.0f);
  CHECK(mock.faults.empty());
}

TEST_CASE("a stream that is not of the context is refused") {
  MockCuda& mock = MockCuda::reset();
  {
    const Host host;
    const auto other_context = reinterpret_cast<CuContext>(0x2000);
    for (const auto& options : {options_with(other_context, host.stream),
                                options_with(host.context, reinterpret_cast<CuStream>(0x9999))}) {
      const Status status = try_cuda_engine(kModel, {}, options).status();
      CHECK(status.code() == StatusCode::kInvalidArgument);
      CHECK(status.message().find("stream") != std::string::npos);
    }
  }
  CHECK(mock.leftovers() == "");
}

TEST_CASE("the stream of our own has the priority that was asked for, or the host's") {
  MockCuda& mock = MockCuda::reset();
  CudaDeviceOptions options;
  options.priority = -3;
  const auto device = CudaDevice::open(MockCuda::driver(), MockCuda::module(), options);
  REQUIRE(device.is_ok());
  CHECK(mock.streams.at(device.value()->stream())->priority == -3);
  const Host host;
  options.context = host.context;
  options.stream = host.stream;
  const auto shared = CudaDevice::open(MockCuda::driver(), MockCuda::module(), options);
  REQUIRE(shared.is_ok());
  CHECK(shared.value()->stream() == host.stream);
  CHECK(mock.streams.at(shared.value()->own_stream())->priority == -2);
}

TEST_CASE("kernels may have the shared memory of the device, and wide products take no more") {
  for (const int shared_bytes : {99 << 10, 227 << 10}) {
    MockCuda& mock = MockCuda::reset();
    mock.shared_bytes = shared_bytes;
    {
      auto backend = CudaBackend::create(MockCuda::driver(), MockCuda::module(), {});
      REQUIRE(backend.is_ok());
      CHECK(mock.function_shared_bytes.size() == 16);  // packed types
      for (const auto& [function, bytes] : mock.function_shared_bytes) CHECK(bytes == shared_bytes);
      Side side(*backend.value());
      MatrixSource source;
      source.type = TensorType::kBF16;
      source.n_rows = 16384;
      source.n_columns = 8;
      source.read = [](std::uint64_t, std::span<std::byte> out) {
        std::fill(out.begin(), out.end(), std::byte{});
        return Status::ok();
      };
      source.progress = [](std::uint64_t) { return Status::ok(); };
      const std::int64_t n_rows = 256;
      const Activation x = side.activation({n_rows, source.n_columns});
      const TensorView y = side.empty({n_rows, source.n_rows});
      const Matrix matrix = side.upload(source);
      REQUIRE(side.status().is_ok());
      mock.launched_shared_bytes = 0;
      mock.skipped_kernel = "nemo_linear_BF16_wide";
      backend.value()->linear(x, matrix, y);
      REQUIRE(backend.value()->synchronize().is_ok());
      // 192 x 128 sums: two stages or four of 40 KiB, and 12 KiB of totals.
      CHECK(mock.launched_shared_bytes == (shared_bytes == 99 << 10 ? 92u << 10 : 172u << 10));
    }
    CHECK(mock.leftovers() == "");
  }
}
