#include "mock_cuda.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include "kernels/cuda/kernel_list.h"
#include "simt/run_launch.h"

namespace nemotron::test {

namespace {

using kernels::cuda::kKernelNames;
using kernels::cuda::kNumKernels;

std::recursive_mutex the_mutex;
std::unique_ptr<MockCuda> the_mock = std::make_unique<MockCuda>();

constexpr CuResult kInvalidValue = 1, kInvalidContext = 201, kInvalidHandle = 400;
constexpr CuResult kNotFound = 500, kCaptureInvalid = 901;
const auto kContext = reinterpret_cast<CuContext>(0x1000);

// Counts the call; what it is to return where it may not do anything.
class Call {
 public:
  Call(const char* name, bool needs_context) : lock_(the_mutex), mock_(*the_mock) {
    ++mock_.counts[name];
    const bool may_fail = mock_.may_fail.empty() || mock_.may_fail.count(name) > 0;
    if (may_fail && mock_.n_calls++ == mock_.fail_at) {
      mock_.failed_call = (mock_.is_capturing() ? "captured " : "") + std::string(name);
      result_ = mock_.failure;
      mock_.is_lost = mock_.failure != kCuOutOfMemory;
      for (auto& [handle, stream] : mock_.streams) stream->is_capture_invalid = true;
    } else if (mock_.is_lost && needs_context) {
      result_ = mock_.failure;
    } else if (needs_context && mock_.contexts.empty()) {
      mock_.faults.push_back(std::string(name) + " without a context");
      result_ = kInvalidContext;
    }
  }
  MockCuda& mock() { return mock_; }
  bool is_ok() const { return result_ == kCuOk; }
  CuResult result() const { return result_; }
  // Waits, allocates or frees, which no captured stream allows.
  bool breaks_capture(const char* name) {
    if (!mock_.is_capturing()) return false;
    fault(std::string(name) + " during a capture");
    return true;
  }
  CuResult fault(const std::string& what) {
    mock_.faults.push_back(what);
    return kInvalidValue;
  }

 private:
  std::lock_guard<std::recursive_mutex> lock_;
  MockCuda& mock_;
  CuResult result_ = kCuOk;
};

std::uintptr_t last_handle = 0x100;

template <typename Handle>
Handle new_handle() {
  return reinterpret_cast<Handle>(last_handle += 16);
}

bool is_device_memory(const MockCuda& mock, CuPointer at, std::size_t size) {
  auto found = mock.memory.upper_bound(static_cast<std::uintptr_t>(at));
  if (found == mock.memory.begin()) return false;
  --found;
  return at + size <= found->first + found->second.size;
}

std::byte* bytes_at(CuPointer at) {
  return reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(at));
}

void run_until(MockCuda::Stream& stream, std::uint64_t position) {
  while (stream.n_done < position && !stream.work.empty()) {
    const auto work = std::move(stream.work.front());
    stream.work.pop_front();
    ++stream.n_done;
    if (!the_mock->is_lost) work();
  }
}

CuResult enqueue(Call& call, CuStream stream, std::function<void()> work) {
  const auto found = call.mock().streams.find(stream);
  if (found == call.mock().streams.end()) return call.fault("work on no stream");
  if (found->second->captured != nullptr) {
    found->second->captured->push_back(std::move(work));
  } else {
    found->second->work.push_back(std::move(work));
  }
  return kCuOk;
}

CuResult enqueue_copy(Call& call, void* to, const void* from, std::size_t size, CuStream stream) {
  return enqueue(call, stream, [=] { std::memcpy(to, from, size); });
}

// Each function of the table, as CudaDriver names it.
struct Functions {
  static CuResult init(unsigned) { return Call("init", false).result(); }
  static CuResult error_name(CuResult result, const char** name) {
    *name = result == 719 ? "CUDA_ERROR_LAUNCH_FAILED" : nullptr;
    return result == 719 ? kCuOk : kInvalidValue;
  }
  static CuResult device_count(int* n) {
    Call call("device_count", false);
    *n = call.mock().n_devices;
    return call.result();
  }
  static CuResult device(CuDevice* device, int index) {
    Call call("device", false);
    *device = index;
    if (index >= call.mock().n_devices) return 101;  // CUDA_ERROR_INVALID_DEVICE
    return call.result();
  }
  static CuResult device_name(char* name, int size, CuDevice) {
    const Call call("device_name", false);
    std::strncpy(name, "Mock GPU", static_cast<std::size_t>(size));
    return call.result();
  }
  static CuResult device_bytes(std::size_t* bytes, CuDevice) {
    Call call("device_bytes", false);
    *bytes = call.mock().memory_bytes;
    return call.result();
  }
  static CuResult device_attribute(int* value, int attribute, CuDevice) {
    Call call("device_attribute", false);
    *value = attribute == kCuProcessors     ? 132
             : attribute == kCuComputeMajor ? call.mock().compute_major
             : attribute == kCuComputeMinor ? call.mock().compute_minor
                                            : call.mock().shared_bytes;
    return call.result();
  }
  static CuResult retain_primary(CuContext* context, CuDevice) {
    Call call("retain_primary", false);
    if (!call.is_ok()) return call.result();
    ++call.mock().n_objects;
    *context = kContext;
    return kCuOk;
  }
  static CuResult release_primary(CuDevice) {
    Call call("release_primary", false);
    --call.mock().n_objects;
    return call.result();
  }
  static CuResult push(CuContext context) {
    Call call("push", false);
    if (call.is_ok()) call.mock().contexts.push_back(context);
    return call.result();
  }
  static CuResult pop(CuContext* context) {
    Call call("pop", false);
    if (call.mock().contexts.empty()) return call.fault("pop without push");
    // Popped even where it reports what failed before.
    *context = call.mock().contexts.back();
    call.mock().contexts.pop_back();
    return call.result();
  }
  static CuResult load_module(CuModule* module, const void* image) {
    Call call("load_module", true);
    if (!call.is_ok()) return call.result();
    ++call.mock().n_objects;
    // Its number: 1 or 2.
    *module = reinterpret_cast<CuModule>(
        static_cast<std::uintptr_t>(*static_cast<const unsigned char*>(image)));
    return kCuOk;
  }
  static CuResult unload_module(CuModule) {
    Call call("unload_module", true);
    --call.mock().n_objects;
    return call.result();
  }
  // Kernels of even number are in module 1, the others in module 2.
  static CuResult find_function(CuFunction* function, CuModule module, const char* name) {
    const Call call("find_function", true);
    if (!call.is_ok()) return call.result();
    const auto number = reinterpret_cast<std::uintptr_t>(module);
    for (std::uintptr_t i = number - 1; i < kNumKernels; i += 2)
      if (std::strcmp(name, kKernelNames[i]) == 0) {
        *function = reinterpret_cast<CuFunction>(i + 1);
        return kCuOk;
      }
    return kNotFound;
  }
  static CuResult function_attribute(int* value, int attribute, CuFunction function) {
    Call call("function_attribute", true);
    if (!call.is_ok()) return call.result();
    if (attribute != kCuPtxVersion || function == nullptr)
      return call.fault("function_attribute of no function");
    const MockCuda& mock = call.mock();
    *value =
        mock.compiled_for > 0 ? mock.compiled_for : 10 * mock.compute_major + mock.compute_minor;
    return kCuOk;
  }
  static CuResult set_function(CuFunction function, int attribute, int value) {
    Call call("set_function", true);
    if (!call.is_ok()) return call.result();
    if (attribute != kCuMostSharedBytes || value > call.mock().shared_bytes)
      return call.fault("more shared memory than there is");
    call.mock().function_shared_bytes[function] = value;
    return kCuOk;
  }
  static CuResult allocate(CuPointer* out, std::size_t size) {
    Call call("allocate", true);
    if (call.breaks_capture("allocate")) return kInvalidValue;
    if (!call.is_ok()) return call.result();
    MockCuda& mock = call.mock();
    if (size == 0) return call.fault("no bytes to allocate");
    if (mock.used_bytes + size > mock.memory_bytes) return kCuOutOfMemory;
    MockCuda::Memory memory;
    memory.bytes.assign(size + 256, std::byte{0xff});
    auto at = reinterpret_cast<std::uintptr_t>(memory.bytes.data() + 255) & ~std::uintptr_t{255};
    memory.size = size;
    mock.used_bytes += size;
    mock.memory.emplace(at, std::move(memory));
    *out = at;
    return kCuOk;
  }
  static CuResult free(CuPointer at) {
    Call call("free", true);
    if (call.breaks_capture("free")) return kInvalidValue;
    MockCuda& mock = call.mock();
    const auto found = mock.memory.find(static_cast<std::uintptr_t>(at));
    if (found == mock.memory.end()) return call.fault("free of what was not allocated");
    // A device waits for what still uses it.
    for (auto& [handle, stream] : mock.streams) run_until(*stream, UINT64_MAX);
    mock.used_bytes -= found->second.size;
    mock.memory.erase(found);
    return call.result();
  }
  static CuResult allocate_host(void** out, std::size_t size, unsigned) {
    Call call("allocate_host", true);
    if (call.breaks_capture("allocate_host")) return kInvalidValue;
    if (!call.is_ok()) return call.result();
    std::vector<std::byte> bytes(size);
    *out = bytes.data();
    ++call.mock().n_objects;
    call.mock().host_memory.emplace(bytes.data(), std::move(bytes));
    return kCuOk;
  }
  static CuResult free_host(void* memory) {
    Call call("free_host", true);
    if (call.breaks_capture("free_host")) return kInvalidValue;
    if (call.mock().host_memory.erase(memory) == 0) return call.fault("free_host of a stranger");
    --call.mock().n_objects;
    return call.result();
  }
  static CuResult create_stream(CuStream* stream, unsigned, int priority) {
    Call call("create_stream", true);
    if (!call.is_ok()) return call.result();
    *stream = new_handle<CuStream>();
    const auto made = call.mock().streams.emplace(*stream, std::make_unique<MockCuda::Stream>());
    made.first->second->priority = priority;
    ++call.mock().n_objects;
    return kCuOk;
  }
  static CuResult stream_context(CuStream stream, CuContext* context) {
    Call call("stream_context", true);
    if (!call.is_ok()) return call.result();
    *context = kContext;
    return call.mock().streams.count(stream) == 1 ? kCuOk : kInvalidHandle;
  }
  static CuResult stream_priority(CuStream stream, int* priority) {
    Call call("stream_priority", true);
    if (!call.is_ok()) return call.result();
    const auto found = call.mock().streams.find(stream);
    if (found == call.mock().streams.end()) return call.fault("stream_priority of no stream");
    *priority = found->second->priority;
    return kCuOk;
  }
  static CuResult destroy_stream(CuStream stream) {
    Call call("destroy_stream", true);
    if (call.breaks_capture("destroy_stream")) return kInvalidValue;
    if (call.mock().streams.erase(stream) == 0) return call.fault("destroy of no stream");
    --call.mock().n_objects;
    return call.result();
  }
  static CuResult begin_capture(CuStream stream, int mode) {
    Call call("begin_capture", true);
    if (!call.is_ok()) return call.result();
    const auto found = call.mock().streams.find(stream);
    if (found == call.mock().streams.end() || mode != kCuCaptureThreadLocal ||
        call.mock().is_capturing())
      return call.fault("begin_capture of no stream, or twice");
    found->second->captured = std::make_shared<MockCuda::Work>();
    found->second->is_capture_invalid = false;
    return kCuOk;
  }
  // Ends it also where it fails.
  static CuResult end_capture(CuStream stream, CuGraph* graph) {
    Call call("end_capture", true);
    const auto found = call.mock().streams.find(stream);
    if (found == call.mock().streams.end() || found->second->captured == nullptr)
      return call.fault("end_capture without a beginning");
    const auto captured = std::exchange(found->second->captured, nullptr);
    *graph = nullptr;
    if (!call.is_ok()) return call.result();
    if (found->second->is_capture_invalid) return kCaptureInvalid;
    *graph = new_handle<CuGraph>();
    call.mock().graphs.emplace(*graph, captured);
    ++call.mock().n_objects;
    return kCuOk;
  }
  static CuResult instantiate_graph(CuGraphExec* executable, CuGraph graph, unsigned long long) {
    Call call("instantiate_graph", true);
    if (!call.is_ok()) return call.result();
    const auto found = call.mock().graphs.find(graph);
    if (found == call.mock().graphs.end()) return call.fault("instantiate_graph of no graph");
    *executable = new_handle<CuGraphExec>();
    call.mock().graphs.emplace(*executable, found->second);
    ++call.mock().n_objects;
    return kCuOk;
  }
  static CuResult launch_graph(CuGraphExec executable, CuStream stream) {
    Call call("launch_graph", true);
    if (!call.is_ok()) return call.result();
    const auto found = call.mock().graphs.find(executable);
    if (found == call.mock().graphs.end()) return call.fault("launch_graph of no graph");
    return enqueue(call, stream, [work = found->second] {
      for (const auto& piece : *work) piece();
    });
  }
  static CuResult destroy_graph(CuGraph graph) { return destroy("destroy_graph", graph); }
  static CuResult destroy_executable(CuGraphExec executable) {
    return destroy("destroy_executable", executable);
  }
  static CuResult destroy(const char* name, void* graph) {
    Call call(name, true);
    if (call.mock().graphs.erase(graph) == 0) return call.fault(std::string(name) + " of none");
    --call.mock().n_objects;
    return call.result();
  }
  static CuResult synchronize(CuStream stream) {
    Call call("synchronize", true);
    if (call.breaks_capture("synchronize")) return kInvalidValue;
    const auto found = call.mock().streams.find(stream);
    if (found == call.mock().streams.end()) return call.fault("synchronize of no stream");
    run_until(*found->second, UINT64_MAX);
    return call.result();
  }
  static CuResult create_event(CuEvent* event, unsigned flags) {
    Call call("create_event", true);
    if (!call.is_ok()) return call.result();
    *event = new_handle<CuEvent>();
    const auto made = call.mock().events.emplace(*event, std::make_shared<MockCuda::Event>());
    made.first->second->is_timed = (flags & kCuEventNoTiming) == 0;
    ++call.mock().n_objects;
    return kCuOk;
  }
  static CuResult destroy_event(CuEvent event) {
    Call call("destroy_event", true);
    if (call.mock().events.erase(event) == 0) return call.fault("destroy of no event");
    --call.mock().n_objects;
    return call.result();
  }
  static CuResult record_event(CuEvent event, CuStream stream) {
    Call call("record_event", true);
    if (call.breaks_capture("record_event")) return kInvalidValue;
    if (!call.is_ok()) return call.result();
    MockCuda& mock = call.mock();
    const auto on = mock.streams.find(stream);
    const auto found = mock.events.find(event);
    if (on == mock.streams.end() || found == mock.events.end()) return call.fault("no such event");
    MockCuda::Event& recorded = *found->second;
    recorded.ms = -1.0;
    if (recorded.is_timed)
      on->second->work.push_back([timed = found->second, &mock] { timed->ms = mock.now_ms; });
    recorded.stream = on->second.get();
    recorded.position = on->second->n_done + on->second->work.size();
    return kCuOk;
  }
  static CuResult elapsed(float* ms, CuEvent begin, CuEvent end) {
    Call call("elapsed", true);
    if (!call.is_ok()) return call.result();
    const auto& events = call.mock().events;
    const auto from = events.find(begin);
    const auto to = events.find(end);
    if (from == events.end() || to == events.end() || from->second->ms < 0 || to->second->ms < 0)
      return call.fault("elapsed between events that were not timed, or are not over");
    *ms = static_cast<float>(to->second->ms - from->second->ms);
    return kCuOk;
  }
  static CuResult wait_event(CuEvent event) {
    Call call("wait_event", true);
    if (call.breaks_capture("wait_event")) return kInvalidValue;
    const auto found = call.mock().events.find(event);
    if (found == call.mock().events.end()) return call.fault("wait for no event");
    const MockCuda::Event& recorded = *found->second;
    if (recorded.stream != nullptr) run_until(*recorded.stream, recorded.position);
    return call.result();
  }
  static CuResult set_bytes(CuPointer to, unsigned char value, std::size_t size, CuStream stream) {
    Call call("set_bytes", true);
    if (!call.is_ok()) return call.result();
    if (!is_device_memory(call.mock(), to, size)) return call.fault("set_bytes outside memory");
    return enqueue(call, stream, [=] { std::memset(bytes_at(to), value, size); });
  }
  static CuResult copy_to_device(CuPointer to, const void* from, std::size_t size,
                                 CuStream stream) {
    Call call("copy_to_device", true);
    if (!call.is_ok()) return call.result();
    if (!is_device_memory(call.mock(), to, size)) return call.fault("copy to outside memory");
    return enqueue_copy(call, bytes_at(to), from, size, stream);
  }
  static CuResult copy_to_host(void* to, CuPointer from, std::size_t size, CuStream stream) {
    Call call("copy_to_host", true);
    if (!call.is_ok()) return call.result();
    if (!is_device_memory(call.mock(), from, size)) return call.fault("copy from outside memory");
    call.mock().copied_to_host_bytes += size;
    return enqueue_copy(call, to, bytes_at(from), size, stream);
  }
  static CuResult copy_on_device(CuPointer to, CuPointer from, std::size_t size, CuStream stream) {
    Call call("copy_on_device", true);
    if (!call.is_ok()) return call.result();
    if (!is_device_memory(call.mock(), to, size) || !is_device_memory(call.mock(), from, size))
      return call.fault("copy on the device outside memory");
    return enqueue_copy(call, bytes_at(to), bytes_at(from), size, stream);
  }
  static CuResult launch(CuFunction function, unsigned x, unsigned y, unsigned z,
                         unsigned n_threads, unsigned block_y, unsigned block_z,
                         unsigned shared_bytes, CuStream stream, void** arguments, void**) {
    Call call("launch", true);
    if (!call.is_ok()) return call.result();
    if (x == 0 || y == 0 || z == 0 || y > 65535 || z > 65535 || n_threads == 0 ||
        n_threads > 1024 || block_y != 1 || block_z != 1)
      return call.fault("a launch of impossible size");
    const int allowed = std::max(call.mock().function_shared_bytes[function], 48 << 10);
    if (shared_bytes > static_cast<unsigned>(allowed))
      return call.fault("a launch with more shared memory than its kernel was told");
    unsigned& most = call.mock().launched_shared_bytes;
    most = std::max(most, shared_bytes);
    kernels::cuda::Launch copy;
    copy.kernel =
        static_cast<kernels::cuda::KernelId>(reinterpret_cast<std::uintptr_t>(function) - 1);
    copy.grid = {x, y, z};
    copy.n_threads = n_threads;
    copy.shared_bytes = shared_bytes;
    std::memcpy(copy.args.data(), arguments[0], copy.args.size());
    ++call.mock().launches[kKernelNames[static_cast<std::size_t>(copy.kernel)]];
    if (kKernelNames[static_cast<std::size_t>(copy.kernel)] == call.mock().skipped_kernel)
      return kCuOk;
    return enqueue(call, stream, [copy, &mock = call.mock()] {
      mock.now_ms += MockCuda::kLaunchMs;
      if (mock.on_kernel) mock.on_kernel();
      const std::string fault = simt::run_launch(copy);
      if (!fault.empty()) mock.faults.push_back(fault);
    });
  }
};

}  // namespace

MockCuda& MockCuda::reset() {
  const std::lock_guard lock(the_mutex);
  the_mock = std::make_unique<MockCuda>();
  return *the_mock;
}

CudaDriver MockCuda::driver() {
  CudaDriver driver;
#define NEMO_SET(name, symbol, parameters) driver.name = Functions::name;
  NEMO_CUDA_DRIVER(NEMO_SET)
#undef NEMO_SET
  return driver;
}

CudaModule MockCuda::module() {
  static const unsigned char kNumbers[] = {1, 2};
  static const nemo_cuda_image kImages[] = {{&kNumbers[0], 1}, {&kNumbers[1], 1}};
  static const nemo_cuda_module kModule = {
      NEMO_CUDA_MODULE_ABI, 2, kernels::cuda::kernel_signature(), 75, 0, "mock", kImages};
  return {{std::shared_ptr<void>(), &kModule}, "mock"};
}

bool MockCuda::is_capturing() const {
  return std::any_of(streams.begin(), streams.end(),
                     [](const auto& entry) { return entry.second->captured != nullptr; });
}

std::string MockCuda::leftovers() const {
  std::string out;
  for (const std::string& fault : faults) out += fault + "; ";
  if (!contexts.empty()) out += std::to_string(contexts.size()) + " contexts pushed; ";
  // With a lost context the driver takes back what was in it.
  if (is_lost) return out;
  if (used_bytes > 0) out += std::to_string(used_bytes) + " bytes in use; ";
  if (n_objects != 0) out += std::to_string(n_objects) + " objects left; ";
  return out;
}

}  // namespace nemotron::test
