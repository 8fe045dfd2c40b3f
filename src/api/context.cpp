// Loading and describing models: nemo_context_*.
#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "api/backend_options.h"
#include "api/choose_device.h"
#include "api/context_options.h"
#include "api/handles.h"
#include "api/isa.h"
#include "api/marshal.h"
#include "api/model_tokenizer.h"
#include "backend/cpu/cpu_backend.h"
#include "formats/open_model.h"

namespace nemotron::api {

namespace {

constexpr std::size_t kMaxMemoryFiles = 64;

Result<std::unique_ptr<Backend>> make_backend(const nemo_context_options& options,
                                              nemo_context& context) {
  std::string why_not;
  NEMO_ASSIGN(const std::optional<CudaChoice> cuda, choose_device(options, why_not));
  if (cuda.has_value()) {
    auto backend = CudaBackend::create(cuda->driver, cuda->module, cuda->options);
    if (backend.is_ok()) return std::unique_ptr<Backend>(std::move(backend).value());
    // Only now it shows that the driver cannot run the kernels.
    why_not = backend.status().message();
    if (options.device != NEMO_DEVICE_AUTO || backend.status().code() != StatusCode::kNoDevice)
      return std::move(backend).status();
  }
  if (!why_not.empty()) context.logger.log(NEMO_LOG_INFO, join("computing on the CPU: ", why_not));
  NEMO_ASSIGN(const kernels::KernelTable* kernels, choose_kernels(options.isa));
  NEMO_ASSIGN(const CpuBackendOptions backend_options, read_backend_options(options, kernels));
  context.threads = backend_options.pool;
  return make_cpu_backend(backend_options);
}

Status load_engine(const ModelFile& file, const nemo_context_options& options,
                   nemo_context& context) {
  NEMO_ASSIGN(auto backend, make_backend(options, context));
  const std::string device = backend->name();
  LoadProgress progress;
  if (options.on_progress != nullptr)
    progress = [&](std::uint64_t done, std::uint64_t total) {
      return options.on_progress(done, total, options.progress_user);
    };
  NEMO_ASSIGN(context.engine,
              Engine::create(file, std::move(backend), engine_options_of(options), progress));
  context.logger.log(NEMO_LOG_INFO,
                     join("loaded '", file.path(), "' (", context.format_name, ", ",
                          context.engine->weights().size_bytes, " bytes of weights, ",
                          context.engine->weights().mapped_bytes, " more mapped) for ", device));
  return Status::ok();
}

Result<std::unique_ptr<nemo_context>> make_context(const ModelFile& file,
                                                   const nemo_context_options& options) {
  auto context = std::make_unique<nemo_context>();
  context->logger = Logger(options.on_log, options.log_user, options.log_level);
  context->config = file.config();
  context->tensors = file.table();
  context->layer_pattern = file.config().layer_pattern();
  context->format_name = file.format_name();
  for (const std::string& note : file.notes())
    context->logger.log(NEMO_LOG_INFO, join("'", file.path(), "': ", note));
  if (file.tokenizer().has_tokenizer()) {
    Result<Tokenizer> tokenizer = make_tokenizer(file);
    if (!tokenizer.is_ok())
      return std::move(tokenizer).status().with_prefix(join("'", file.path(), "'"));
    context->tokenizer = std::move(tokenizer).value();
    if ((options.flags & NEMO_LOAD_LLAMA3_SPLIT) != 0) context->tokenizer->use_llama3_split();
  } else {
    context->logger.log(NEMO_LOG_WARNING, join("'", file.path(), "' has no tokenizer"));
  }
  context->chat_format = choose_chat_format(file.tokenizer().chat_template,
                                            context->tokenizer ? &*context->tokenizer : nullptr);
  if (context->tokenizer)
    context->turn_starts = turn_start_ids(context->chat_format, *context->tokenizer);
  if ((options.flags & NEMO_LOAD_NO_WEIGHTS) == 0) NEMO_TRY(load_engine(file, options, *context));
  return context;
}

// The part that both ways of loading share: `open` gives the ModelFile.
template <typename Open>
Status load(const nemo_context_options* user_options, nemo_context** out, Open&& open) {
  if (out == nullptr) return null_argument("context");
  *out = nullptr;
  nemo_context_options options;
  NEMO_TRY(read_struct(user_options, "options", options));
  NEMO_TRY(check_options(options));
  NEMO_ASSIGN(const ModelFile file, open());
  NEMO_ASSIGN(auto context, make_context(file, options));
  *out = context.release();
  return Status::ok();
}

Result<std::vector<NamedBytes>> read_files(const nemo_memory_file* files, std::size_t n_files,
                                           std::size_t stride_bytes) {
  if (n_files == 0 || n_files > kMaxMemoryFiles)
    return Status(StatusCode::kInvalidArgument,
                  join("n_files is ", n_files, "; 1 to ", kMaxMemoryFiles));
  NEMO_TRY(check_array(files, n_files, stride_bytes, "files"));
  std::vector<NamedBytes> blocks;
  for (std::size_t i = 0; i < n_files; ++i) {
    nemo_memory_file file;
    NEMO_TRY(read_element(files, i, stride_bytes, "files", file));
    if (file.name == nullptr) return null_argument("files[].name");
    if (file.data == nullptr && file.size != 0) return null_argument("files[].data");
    blocks.push_back({file.name, {static_cast<const std::byte*>(file.data), file.size}});
  }
  return blocks;
}

nemo_model_info describe(const nemo_context& context) {
  const ModelConfig& config = context.config;
  const auto u32 = [](int value) { return static_cast<std::uint32_t>(value); };
  nemo_model_info info{};
  info.struct_size = sizeof info;
  info.n_layers = u32(config.n_layers);
  info.n_vocab = u32(config.n_vocab);
  info.max_context = u32(config.max_context);
  info.d_model = u32(config.d_model);
  info.d_ff = u32(config.d_ff);
  info.n_heads = u32(config.n_heads);
  info.n_kv_heads = u32(config.n_kv_heads);
  info.head_dim = u32(config.head_dim);
  info.n_ssm_heads = u32(config.n_ssm_heads);
  info.ssm_head_dim = u32(config.ssm_head_dim);
  info.d_state = u32(config.d_state);
  info.n_groups = u32(config.n_groups);
  info.d_conv = u32(config.d_conv);
  info.n_tensors = static_cast<std::uint32_t>(context.tensors.size());
  info.has_tokenizer = context.tokenizer ? 1 : 0;
  for (const TensorEntry& entry : context.tensors) {
    info.n_parameters += entry.n_elements();
    info.tensor_bytes += entry.size_bytes;
  }
  info.recurrent_state_bytes = LayerState::recurrent_bytes_of(config, StateType::kF32);
  info.kv_bytes_per_token = LayerState::kv_bytes_per_token(config, KvType::kBF16);
  if (context.engine) {
    info.weight_bytes = context.engine->weights().size_bytes;
    info.scratch_bytes = context.engine->scratch_bytes();
    info.mapped_bytes = context.engine->weights().mapped_bytes;
  }
  return info;
}

nemo_tensor_info describe(const TensorEntry& entry) {
  nemo_tensor_info info{};
  info.struct_size = sizeof info;
  info.n_dims = static_cast<std::uint32_t>(entry.n_dims);
  std::copy(entry.shape.begin(), entry.shape.end(), info.shape);
  info.offset_bytes = entry.offset_bytes;
  info.size_bytes = entry.size_bytes;
  info.name = entry.name.c_str();
  info.type = traits(entry.type).name.data();  // literals, so null-terminated
  return info;
}

}  // namespace

}  // namespace nemotron::api

using namespace nemotron;
using namespace nemotron::api;

extern "C" nemo_status nemo_context_load(const char* path, const nemo_context_options* options,
                                         nemo_context** context, nemo_error* err) {
  return guarded(err, [&] {
    if (path == nullptr) return null_argument("path");
    return load(options, context, [&] { return open_model(path); });
  });
}

extern "C" nemo_status nemo_context_load_memory(const nemo_memory_file* files, size_t n_files,
                                                size_t stride_bytes,
                                                const nemo_context_options* options,
                                                nemo_context** context, nemo_error* err) {
  return guarded(err, [&] {
    return load(options, context, [&]() -> Result<ModelFile> {
      NEMO_ASSIGN(const auto blocks, read_files(files, n_files, stride_bytes));
      return open_model_from_memory(blocks);
    });
  });
}

extern "C" nemo_context* nemo_context_retain(nemo_context* context) {
  if (context != nullptr) context->n_references.fetch_add(1, std::memory_order_relaxed);
  return context;
}

extern "C" void nemo_context_free(nemo_context* context) {
  if (context == nullptr || is_forked(*context)) return;
  if (context->n_references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  // In a callback on the context's own worker its end has to wait for the callback's.
  const auto destroy = [context] { delete context; };
  if (!context->engine || !context->engine->destroy_on_worker(destroy)) destroy();
}

extern "C" nemo_status nemo_context_model_info(const nemo_context* context, nemo_model_info* info,
                                               nemo_error* err) {
  return guarded(context, err, [&] {
    if (context == nullptr) return null_argument("context");
    return write_struct(info, "info", describe(*context));
  });
}

extern "C" const char* nemo_context_layer_pattern(const nemo_context* context) {
  return context == nullptr ? nullptr : context->layer_pattern.c_str();
}

extern "C" const char* nemo_context_format(const nemo_context* context) {
  return context == nullptr ? nullptr : context->format_name.c_str();
}

extern "C" nemo_status nemo_context_tensor(const nemo_context* context, size_t index,
                                           nemo_tensor_info* info, nemo_error* err) {
  return guarded(context, err, [&]() -> Status {
    if (context == nullptr) return null_argument("context");
    if (index >= context->tensors.size())
      return {StatusCode::kInvalidArgument,
              join("tensor ", index, " of ", context->tensors.size())};
    return write_struct(info, "info", describe(context->tensors[index]));
  });
}
