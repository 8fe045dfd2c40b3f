// Pins the C ABI on 64-bit machines: sizes and offsets of every public struct and the numbers of
// every constant. A line may be added; none may change while the soname stays. Compiled as C11 and
// as C++20; there is nothing to run.
#include <nemotron/nemotron.h>

#if defined(__cplusplus)
#define PINNED(condition) static_assert(condition, "the ABI has moved")
#else
#define PINNED(condition) _Static_assert(condition, "the ABI has moved")
#endif
#define LAYOUT_SIZE(type, size) PINNED(sizeof(type) == (size))
#define LAYOUT_MEMBER(type, member, offset) PINNED(offsetof(type, member) == (offset))
#define NUMBER(name, value) PINNED((name) == (value))

PINNED(sizeof(nemo_status) == 4);
NUMBER(NEMO_OK, 0);
NUMBER(NEMO_E_INVALID_ARGUMENT, -100);
NUMBER(NEMO_E_BUFFER_TOO_SMALL, -101);
NUMBER(NEMO_E_STRUCT_SIZE, -102);
NUMBER(NEMO_E_INVALID_TOKEN, -103);
NUMBER(NEMO_E_INVALID_UTF8, -104);
NUMBER(NEMO_E_INVALID_JSON, -105);
NUMBER(NEMO_E_FILE_NOT_FOUND, -200);
NUMBER(NEMO_E_FILE_READ, -201);
NUMBER(NEMO_E_FILE_CHANGED, -202);
NUMBER(NEMO_E_BAD_FILE, -203);
NUMBER(NEMO_E_UNSUPPORTED_FORMAT, -204);
NUMBER(NEMO_E_UNSUPPORTED_ARCHITECTURE, -205);
NUMBER(NEMO_E_UNSUPPORTED_TYPE, -206);
NUMBER(NEMO_E_MISSING_TENSOR, -207);
NUMBER(NEMO_E_CONFIG_MISMATCH, -208);
NUMBER(NEMO_E_FILE_WRITE, -209);
NUMBER(NEMO_E_MODEL_MISMATCH, -210);
NUMBER(NEMO_E_OUT_OF_MEMORY, -300);
NUMBER(NEMO_E_CONTEXT_FULL, -301);
NUMBER(NEMO_E_OVER_BUDGET, -302);
NUMBER(NEMO_E_NO_DEVICE, -400);
NUMBER(NEMO_E_DEVICE_LOST, -401);
NUMBER(NEMO_E_BUSY, -500);
NUMBER(NEMO_E_STATE, -501);
NUMBER(NEMO_E_CANCELLED, -502);
NUMBER(NEMO_E_REENTRANT, -503);
NUMBER(NEMO_E_FORKED, -504);
NUMBER(NEMO_E_INTERNAL, -900);
NUMBER(NEMO_LOG_ERROR, 1);
NUMBER(NEMO_LOG_WARNING, 2);
NUMBER(NEMO_LOG_INFO, 3);
NUMBER(NEMO_LOG_DEBUG, 4);
NUMBER(NEMO_ISA_AUTO, 0);
NUMBER(NEMO_ISA_REF, 1);
NUMBER(NEMO_ISA_AVX2, 2);
NUMBER(NEMO_ISA_AVX512, 3);
NUMBER(NEMO_ISA_NEON, 4);
NUMBER(NEMO_DEVICE_CPU, 0);
NUMBER(NEMO_DEVICE_AUTO, 1);
NUMBER(NEMO_DEVICE_CUDA, 2);
NUMBER(NEMO_LOAD_NO_WEIGHTS, 1);
NUMBER(NEMO_LOAD_FP8_WEIGHT_ONLY, 2);
NUMBER(NEMO_LOAD_MAPPED, 4);
NUMBER(NEMO_LOAD_LLAMA3_SPLIT, 8);
NUMBER(NEMO_THINKING_DEFAULT, 0);
NUMBER(NEMO_THINKING_ON, 1);
NUMBER(NEMO_THINKING_OFF, 2);
NUMBER(NEMO_CHAT_NO_GENERATION_PROMPT, 1);
NUMBER(NEMO_CHAT_KEEP_HISTORY_THINKING, 2);
NUMBER(NEMO_KV_DEFAULT, 0);
NUMBER(NEMO_KV_BF16, 1);
NUMBER(NEMO_KV_F32, 2);
NUMBER(NEMO_KV_Q8, 3);
NUMBER(NEMO_SNAPSHOT_TURNS, 0);
NUMBER(NEMO_SNAPSHOT_ALL_TURNS, 1);
NUMBER(NEMO_SNAPSHOT_NONE, 2);
NUMBER(NEMO_STATE_DEFAULT, 0);
NUMBER(NEMO_STATE_F32, 1);
NUMBER(NEMO_STATE_BF16, 2);
NUMBER(NEMO_SAMPLING_DEFAULT, 0);
NUMBER(NEMO_SAMPLING_GREEDY, 1);
NUMBER(NEMO_SAMPLING_LITERAL, 2);
NUMBER(NEMO_FINISH_STOP, 1);
NUMBER(NEMO_FINISH_LENGTH, 2);
NUMBER(NEMO_FINISH_CANCELLED, 3);
NUMBER(NEMO_EVENT_NONE, 0);
NUMBER(NEMO_EVENT_TEXT, 1);
NUMBER(NEMO_EVENT_REASONING, 2);
NUMBER(NEMO_EVENT_TOOL_CALL, 3);
NUMBER(NEMO_EVENT_FINISH, 4);
NUMBER(NEMO_EVENT_ERROR, 5);
NUMBER(NEMO_GENERATE_WHOLE_PROMPT, 1);
NUMBER(NEMO_GENERATE_PARSE_REPLY, 2);
NUMBER(NEMO_SAVE_NO_SNAPSHOTS, 1);
NUMBER(NEMO_RESTORE_TOKENS_ONLY, 1);
PINNED(NEMO_NO_SNAPSHOTS == UINT64_MAX);

#if UINTPTR_MAX == UINT64_MAX

LAYOUT_SIZE(nemo_error, 512);
LAYOUT_MEMBER(nemo_error, struct_size, 0);
LAYOUT_MEMBER(nemo_error, code, 4);
LAYOUT_MEMBER(nemo_error, byte_offset, 8);
LAYOUT_MEMBER(nemo_error, message, 16);

LAYOUT_SIZE(nemo_context_options, 160);
LAYOUT_MEMBER(nemo_context_options, struct_size, 0);
LAYOUT_MEMBER(nemo_context_options, flags, 4);
LAYOUT_MEMBER(nemo_context_options, n_threads, 8);
LAYOUT_MEMBER(nemo_context_options, isa, 12);
LAYOUT_MEMBER(nemo_context_options, max_step_rows, 16);
LAYOUT_MEMBER(nemo_context_options, log_level, 20);
LAYOUT_MEMBER(nemo_context_options, on_log, 24);
LAYOUT_MEMBER(nemo_context_options, log_user, 32);
LAYOUT_MEMBER(nemo_context_options, on_progress, 40);
LAYOUT_MEMBER(nemo_context_options, progress_user, 48);
LAYOUT_MEMBER(nemo_context_options, worker, 56);
LAYOUT_MEMBER(nemo_context_options, max_running, 60);
LAYOUT_MEMBER(nemo_context_options, max_bytes, 64);
LAYOUT_MEMBER(nemo_context_options, snapshot_bytes, 72);
LAYOUT_MEMBER(nemo_context_options, allocator, 80);
LAYOUT_MEMBER(nemo_context_options, parallel_for, 88);
LAYOUT_MEMBER(nemo_context_options, parallel_user, 96);
LAYOUT_MEMBER(nemo_context_options, share_threads, 104);
LAYOUT_MEMBER(nemo_context_options, device, 112);
LAYOUT_MEMBER(nemo_context_options, device_index, 116);
LAYOUT_MEMBER(nemo_context_options, cuda_module, 120);
LAYOUT_MEMBER(nemo_context_options, cuda_context, 128);
LAYOUT_MEMBER(nemo_context_options, cuda_stream, 136);
LAYOUT_MEMBER(nemo_context_options, cuda_priority, 144);
LAYOUT_MEMBER(nemo_context_options, cuda_plain_kernels, 148);
LAYOUT_MEMBER(nemo_context_options, max_offload_bytes, 152);

LAYOUT_SIZE(nemo_selftest_result, 48);
LAYOUT_MEMBER(nemo_selftest_result, struct_size, 0);
LAYOUT_MEMBER(nemo_selftest_result, kernels, 4);
LAYOUT_MEMBER(nemo_selftest_result, operation, 8);
LAYOUT_MEMBER(nemo_selftest_result, is_plain, 16);
LAYOUT_MEMBER(nemo_selftest_result, is_good, 20);
LAYOUT_MEMBER(nemo_selftest_result, error, 24);
LAYOUT_MEMBER(nemo_selftest_result, bound, 32);
LAYOUT_MEMBER(nemo_selftest_result, microseconds, 40);

LAYOUT_SIZE(nemo_device_info, 544);
LAYOUT_MEMBER(nemo_device_info, struct_size, 0);
LAYOUT_MEMBER(nemo_device_info, kind, 4);
LAYOUT_MEMBER(nemo_device_info, index, 8);
LAYOUT_MEMBER(nemo_device_info, is_usable, 12);
LAYOUT_MEMBER(nemo_device_info, n_processors, 16);
LAYOUT_MEMBER(nemo_device_info, compute_capability, 20);
LAYOUT_MEMBER(nemo_device_info, total_bytes, 24);
LAYOUT_MEMBER(nemo_device_info, name, 32);
LAYOUT_MEMBER(nemo_device_info, reason, 160);

LAYOUT_SIZE(nemo_allocator, 32);
LAYOUT_MEMBER(nemo_allocator, struct_size, 0);
LAYOUT_MEMBER(nemo_allocator, reserved, 4);
LAYOUT_MEMBER(nemo_allocator, allocate, 8);
LAYOUT_MEMBER(nemo_allocator, release, 16);
LAYOUT_MEMBER(nemo_allocator, user, 24);

LAYOUT_SIZE(nemo_plan_options, 24);
LAYOUT_MEMBER(nemo_plan_options, struct_size, 0);
LAYOUT_MEMBER(nemo_plan_options, n_sessions, 4);
LAYOUT_MEMBER(nemo_plan_options, n_tokens, 8);
LAYOUT_MEMBER(nemo_plan_options, kv_type, 12);
LAYOUT_MEMBER(nemo_plan_options, state_type, 16);
LAYOUT_MEMBER(nemo_plan_options, reserved, 20);

LAYOUT_SIZE(nemo_memory_plan, 72);
LAYOUT_MEMBER(nemo_memory_plan, struct_size, 0);
LAYOUT_MEMBER(nemo_memory_plan, n_sessions, 4);
LAYOUT_MEMBER(nemo_memory_plan, n_tokens, 8);
LAYOUT_MEMBER(nemo_memory_plan, isa, 12);
LAYOUT_MEMBER(nemo_memory_plan, weight_bytes, 16);
LAYOUT_MEMBER(nemo_memory_plan, scratch_bytes, 24);
LAYOUT_MEMBER(nemo_memory_plan, recurrent_bytes, 32);
LAYOUT_MEMBER(nemo_memory_plan, kv_bytes, 40);
LAYOUT_MEMBER(nemo_memory_plan, snapshot_bytes, 48);
LAYOUT_MEMBER(nemo_memory_plan, total_bytes, 56);
LAYOUT_MEMBER(nemo_memory_plan, mapped_bytes, 64);

LAYOUT_SIZE(nemo_memory_file, 32);
LAYOUT_MEMBER(nemo_memory_file, struct_size, 0);
LAYOUT_MEMBER(nemo_memory_file, reserved, 4);
LAYOUT_MEMBER(nemo_memory_file, name, 8);
LAYOUT_MEMBER(nemo_memory_file, data, 16);
LAYOUT_MEMBER(nemo_memory_file, size, 24);

LAYOUT_SIZE(nemo_model_info, 120);
LAYOUT_MEMBER(nemo_model_info, struct_size, 0);
LAYOUT_MEMBER(nemo_model_info, n_layers, 4);
LAYOUT_MEMBER(nemo_model_info, n_vocab, 8);
LAYOUT_MEMBER(nemo_model_info, max_context, 12);
LAYOUT_MEMBER(nemo_model_info, d_model, 16);
LAYOUT_MEMBER(nemo_model_info, d_ff, 20);
LAYOUT_MEMBER(nemo_model_info, n_heads, 24);
LAYOUT_MEMBER(nemo_model_info, n_kv_heads, 28);
LAYOUT_MEMBER(nemo_model_info, head_dim, 32);
LAYOUT_MEMBER(nemo_model_info, n_ssm_heads, 36);
LAYOUT_MEMBER(nemo_model_info, ssm_head_dim, 40);
LAYOUT_MEMBER(nemo_model_info, d_state, 44);
LAYOUT_MEMBER(nemo_model_info, n_groups, 48);
LAYOUT_MEMBER(nemo_model_info, d_conv, 52);
LAYOUT_MEMBER(nemo_model_info, n_tensors, 56);
LAYOUT_MEMBER(nemo_model_info, has_tokenizer, 60);
LAYOUT_MEMBER(nemo_model_info, n_parameters, 64);
LAYOUT_MEMBER(nemo_model_info, tensor_bytes, 72);
LAYOUT_MEMBER(nemo_model_info, weight_bytes, 80);
LAYOUT_MEMBER(nemo_model_info, recurrent_state_bytes, 88);
LAYOUT_MEMBER(nemo_model_info, kv_bytes_per_token, 96);
LAYOUT_MEMBER(nemo_model_info, scratch_bytes, 104);
LAYOUT_MEMBER(nemo_model_info, mapped_bytes, 112);

LAYOUT_SIZE(nemo_tensor_info, 72);
LAYOUT_MEMBER(nemo_tensor_info, struct_size, 0);
LAYOUT_MEMBER(nemo_tensor_info, n_dims, 4);
LAYOUT_MEMBER(nemo_tensor_info, shape, 8);
LAYOUT_MEMBER(nemo_tensor_info, offset_bytes, 40);
LAYOUT_MEMBER(nemo_tensor_info, size_bytes, 48);
LAYOUT_MEMBER(nemo_tensor_info, name, 56);
LAYOUT_MEMBER(nemo_tensor_info, type, 64);

LAYOUT_SIZE(nemo_chat_message, 64);
LAYOUT_MEMBER(nemo_chat_message, struct_size, 0);
LAYOUT_MEMBER(nemo_chat_message, reserved, 4);
LAYOUT_MEMBER(nemo_chat_message, role, 8);
LAYOUT_MEMBER(nemo_chat_message, content, 16);
LAYOUT_MEMBER(nemo_chat_message, content_size, 24);
LAYOUT_MEMBER(nemo_chat_message, reasoning, 32);
LAYOUT_MEMBER(nemo_chat_message, reasoning_size, 40);
LAYOUT_MEMBER(nemo_chat_message, tool_calls, 48);
LAYOUT_MEMBER(nemo_chat_message, tool_calls_size, 56);

LAYOUT_SIZE(nemo_chat_options, 32);
LAYOUT_MEMBER(nemo_chat_options, struct_size, 0);
LAYOUT_MEMBER(nemo_chat_options, thinking, 4);
LAYOUT_MEMBER(nemo_chat_options, flags, 8);
LAYOUT_MEMBER(nemo_chat_options, reserved, 12);
LAYOUT_MEMBER(nemo_chat_options, tools, 16);
LAYOUT_MEMBER(nemo_chat_options, tools_size, 24);

LAYOUT_SIZE(nemo_session_options, 32);
LAYOUT_MEMBER(nemo_session_options, struct_size, 0);
LAYOUT_MEMBER(nemo_session_options, max_tokens, 4);
LAYOUT_MEMBER(nemo_session_options, kv_type, 8);
LAYOUT_MEMBER(nemo_session_options, state_type, 12);
LAYOUT_MEMBER(nemo_session_options, priority, 16);
LAYOUT_MEMBER(nemo_session_options, snapshot_policy, 20);
LAYOUT_MEMBER(nemo_session_options, snapshot_every, 24);
LAYOUT_MEMBER(nemo_session_options, reserved2, 28);

LAYOUT_SIZE(nemo_session_stats, 40);
LAYOUT_MEMBER(nemo_session_stats, struct_size, 0);
LAYOUT_MEMBER(nemo_session_stats, is_running, 4);
LAYOUT_MEMBER(nemo_session_stats, n_tokens, 8);
LAYOUT_MEMBER(nemo_session_stats, n_computed_tokens, 16);
LAYOUT_MEMBER(nemo_session_stats, kv_bytes, 24);
LAYOUT_MEMBER(nemo_session_stats, recurrent_bytes, 32);

LAYOUT_SIZE(nemo_generate_event, 48);
LAYOUT_MEMBER(nemo_generate_event, struct_size, 0);
LAYOUT_MEMBER(nemo_generate_event, token, 4);
LAYOUT_MEMBER(nemo_generate_event, text, 8);
LAYOUT_MEMBER(nemo_generate_event, text_size, 16);
LAYOUT_MEMBER(nemo_generate_event, type, 24);
LAYOUT_MEMBER(nemo_generate_event, reserved, 28);
LAYOUT_MEMBER(nemo_generate_event, name, 32);
LAYOUT_MEMBER(nemo_generate_event, name_size, 40);

LAYOUT_SIZE(nemo_text, 16);
LAYOUT_MEMBER(nemo_text, data, 0);
LAYOUT_MEMBER(nemo_text, size, 8);

LAYOUT_SIZE(nemo_generate_options, 88);
LAYOUT_MEMBER(nemo_generate_options, struct_size, 0);
LAYOUT_MEMBER(nemo_generate_options, max_tokens, 4);
LAYOUT_MEMBER(nemo_generate_options, sampling_mode, 8);
LAYOUT_MEMBER(nemo_generate_options, top_k, 12);
LAYOUT_MEMBER(nemo_generate_options, temperature, 16);
LAYOUT_MEMBER(nemo_generate_options, top_p, 20);
LAYOUT_MEMBER(nemo_generate_options, seed, 24);
LAYOUT_MEMBER(nemo_generate_options, ignore_stop_tokens, 32);
LAYOUT_MEMBER(nemo_generate_options, n_stop_strings, 36);
LAYOUT_MEMBER(nemo_generate_options, stop_strings, 40);
LAYOUT_MEMBER(nemo_generate_options, on_event, 48);
LAYOUT_MEMBER(nemo_generate_options, user, 56);
LAYOUT_MEMBER(nemo_generate_options, flags, 64);
LAYOUT_MEMBER(nemo_generate_options, reserved, 68);
LAYOUT_MEMBER(nemo_generate_options, tools, 72);
LAYOUT_MEMBER(nemo_generate_options, tools_size, 80);

LAYOUT_SIZE(nemo_generate_result, 48);
LAYOUT_MEMBER(nemo_generate_result, struct_size, 0);
LAYOUT_MEMBER(nemo_generate_result, finish_reason, 4);
LAYOUT_MEMBER(nemo_generate_result, n_prompt_tokens, 8);
LAYOUT_MEMBER(nemo_generate_result, n_generated_tokens, 16);
LAYOUT_MEMBER(nemo_generate_result, prefill_us, 24);
LAYOUT_MEMBER(nemo_generate_result, decode_us, 32);
LAYOUT_MEMBER(nemo_generate_result, n_reused_tokens, 40);

LAYOUT_SIZE(nemo_event, 104);
LAYOUT_MEMBER(nemo_event, struct_size, 0);
LAYOUT_MEMBER(nemo_event, type, 4);
LAYOUT_MEMBER(nemo_event, request_id, 8);
LAYOUT_MEMBER(nemo_event, token, 16);
LAYOUT_MEMBER(nemo_event, status, 20);
LAYOUT_MEMBER(nemo_event, text, 24);
LAYOUT_MEMBER(nemo_event, text_size, 32);
LAYOUT_MEMBER(nemo_event, finish_reason, 40);
LAYOUT_MEMBER(nemo_event, reserved, 44);
LAYOUT_MEMBER(nemo_event, n_prompt_tokens, 48);
LAYOUT_MEMBER(nemo_event, n_reused_tokens, 56);
LAYOUT_MEMBER(nemo_event, n_generated_tokens, 64);
LAYOUT_MEMBER(nemo_event, prefill_us, 72);
LAYOUT_MEMBER(nemo_event, decode_us, 80);
LAYOUT_MEMBER(nemo_event, name, 88);
LAYOUT_MEMBER(nemo_event, name_size, 96);

LAYOUT_SIZE(nemo_request, 48);
LAYOUT_MEMBER(nemo_request, struct_size, 0);
LAYOUT_MEMBER(nemo_request, reserved, 4);
LAYOUT_MEMBER(nemo_request, prompt, 8);
LAYOUT_MEMBER(nemo_request, n_prompt, 16);
LAYOUT_MEMBER(nemo_request, options, 24);
LAYOUT_MEMBER(nemo_request, on_event, 32);
LAYOUT_MEMBER(nemo_request, user, 40);

LAYOUT_SIZE(nemo_pump_result, 16);
LAYOUT_MEMBER(nemo_pump_result, struct_size, 0);
LAYOUT_MEMBER(nemo_pump_result, has_more, 4);
LAYOUT_MEMBER(nemo_pump_result, elapsed_us, 8);

LAYOUT_SIZE(nemo_context_stats, 120);
LAYOUT_MEMBER(nemo_context_stats, struct_size, 0);
LAYOUT_MEMBER(nemo_context_stats, n_sessions, 4);
LAYOUT_MEMBER(nemo_context_stats, n_running, 8);
LAYOUT_MEMBER(nemo_context_stats, n_snapshots, 12);
LAYOUT_MEMBER(nemo_context_stats, n_steps, 16);
LAYOUT_MEMBER(nemo_context_stats, n_prefill_tokens, 24);
LAYOUT_MEMBER(nemo_context_stats, n_decode_tokens, 32);
LAYOUT_MEMBER(nemo_context_stats, used_bytes, 40);
LAYOUT_MEMBER(nemo_context_stats, peak_bytes, 48);
LAYOUT_MEMBER(nemo_context_stats, state_bytes, 56);
LAYOUT_MEMBER(nemo_context_stats, snapshot_bytes, 64);
LAYOUT_MEMBER(nemo_context_stats, n_cache_hits, 72);
LAYOUT_MEMBER(nemo_context_stats, n_cache_misses, 80);
LAYOUT_MEMBER(nemo_context_stats, n_reused_tokens, 88);
LAYOUT_MEMBER(nemo_context_stats, n_evictions, 96);
LAYOUT_MEMBER(nemo_context_stats, n_parked, 104);
LAYOUT_MEMBER(nemo_context_stats, offload_bytes, 112);

LAYOUT_SIZE(nemo_operation_stats, 72);
LAYOUT_MEMBER(nemo_operation_stats, struct_size, 0);
LAYOUT_MEMBER(nemo_operation_stats, arithmetic, 4);
LAYOUT_MEMBER(nemo_operation_stats, name, 8);
LAYOUT_MEMBER(nemo_operation_stats, n_runs, 40);
LAYOUT_MEMBER(nemo_operation_stats, elapsed_ns, 48);
LAYOUT_MEMBER(nemo_operation_stats, n_bytes, 56);
LAYOUT_MEMBER(nemo_operation_stats, n_operations, 64);

LAYOUT_SIZE(nemo_save_options, 16);
LAYOUT_MEMBER(nemo_save_options, struct_size, 0);
LAYOUT_MEMBER(nemo_save_options, flags, 4);
LAYOUT_MEMBER(nemo_save_options, max_snapshots, 8);
LAYOUT_MEMBER(nemo_save_options, reserved, 12);

LAYOUT_SIZE(nemo_restore_options, 16);
LAYOUT_MEMBER(nemo_restore_options, struct_size, 0);
LAYOUT_MEMBER(nemo_restore_options, flags, 4);
LAYOUT_MEMBER(nemo_restore_options, max_tokens, 8);
LAYOUT_MEMBER(nemo_restore_options, reserved, 12);

LAYOUT_SIZE(nemo_synthesize_options, 56);
LAYOUT_MEMBER(nemo_synthesize_options, struct_size, 0);
LAYOUT_MEMBER(nemo_synthesize_options, n_threads, 4);
LAYOUT_MEMBER(nemo_synthesize_options, seed, 8);
LAYOUT_MEMBER(nemo_synthesize_options, shape, 16);
LAYOUT_MEMBER(nemo_synthesize_options, type, 24);
LAYOUT_MEMBER(nemo_synthesize_options, tokenizer_path, 32);
LAYOUT_MEMBER(nemo_synthesize_options, on_progress, 40);
LAYOUT_MEMBER(nemo_synthesize_options, progress_user, 48);

LAYOUT_SIZE(nemo_quantize_options, 48);
LAYOUT_MEMBER(nemo_quantize_options, struct_size, 0);
LAYOUT_MEMBER(nemo_quantize_options, n_threads, 4);
LAYOUT_MEMBER(nemo_quantize_options, type, 8);
LAYOUT_MEMBER(nemo_quantize_options, on_progress, 16);
LAYOUT_MEMBER(nemo_quantize_options, progress_user, 24);
LAYOUT_MEMBER(nemo_quantize_options, imatrix_path, 32);
LAYOUT_MEMBER(nemo_quantize_options, tokenizer_path, 40);

LAYOUT_SIZE(nemo_imatrix_options, 40);
LAYOUT_MEMBER(nemo_imatrix_options, struct_size, 0);
LAYOUT_MEMBER(nemo_imatrix_options, n_threads, 4);
LAYOUT_MEMBER(nemo_imatrix_options, isa, 8);
LAYOUT_MEMBER(nemo_imatrix_options, chunk_tokens, 12);
LAYOUT_MEMBER(nemo_imatrix_options, max_chunks, 16);
LAYOUT_MEMBER(nemo_imatrix_options, reserved, 20);
LAYOUT_MEMBER(nemo_imatrix_options, on_progress, 24);
LAYOUT_MEMBER(nemo_imatrix_options, progress_user, 32);
#endif

// Every initialiser compiles and sets what it says.
int nemo_abi_initialisers(void);
int nemo_abi_initialisers(void) {
  nemo_error error = NEMO_ERROR_INIT;
  nemo_context_options context_options = NEMO_CONTEXT_OPTIONS_INIT;
  nemo_device_info device_info = NEMO_DEVICE_INFO_INIT;
  nemo_plan_options plan_options = NEMO_PLAN_OPTIONS_INIT;
  nemo_memory_plan memory_plan = NEMO_MEMORY_PLAN_INIT;
  nemo_memory_file memory_file = NEMO_MEMORY_FILE_INIT;
  nemo_model_info model_info = NEMO_MODEL_INFO_INIT;
  nemo_tensor_info tensor_info = NEMO_TENSOR_INFO_INIT;
  nemo_chat_message chat_message = NEMO_CHAT_MESSAGE_INIT;
  nemo_chat_options chat_options = NEMO_CHAT_OPTIONS_INIT;
  nemo_session_options session_options = NEMO_SESSION_OPTIONS_INIT;
  nemo_session_stats session_stats = NEMO_SESSION_STATS_INIT;
  nemo_generate_result generate_result = NEMO_GENERATE_RESULT_INIT;
  nemo_event event = NEMO_EVENT_INIT;
  nemo_request request = NEMO_REQUEST_INIT;
  nemo_pump_result pump_result = NEMO_PUMP_RESULT_INIT;
  nemo_context_stats context_stats = NEMO_CONTEXT_STATS_INIT;
  nemo_operation_stats operation_stats = NEMO_OPERATION_STATS_INIT;
  nemo_save_options save_options = NEMO_SAVE_OPTIONS_INIT;
  nemo_restore_options restore_options = NEMO_RESTORE_OPTIONS_INIT;
  nemo_synthesize_options synthesize_options = NEMO_SYNTHESIZE_OPTIONS_INIT;
  nemo_quantize_options quantize_options = NEMO_QUANTIZE_OPTIONS_INIT;
  nemo_imatrix_options imatrix_options = NEMO_IMATRIX_OPTIONS_INIT;
  return (error.struct_size == sizeof error) +
         (context_options.struct_size == sizeof context_options) +
         (device_info.struct_size == sizeof device_info) +
         (plan_options.struct_size == sizeof plan_options) +
         (memory_plan.struct_size == sizeof memory_plan) +
         (memory_file.struct_size == sizeof memory_file) +
         (model_info.struct_size == sizeof model_info) +
         (tensor_info.struct_size == sizeof tensor_info) +
         (chat_message.struct_size == sizeof chat_message) +
         (chat_options.struct_size == sizeof chat_options) +
         (session_options.struct_size == sizeof session_options) +
         (session_stats.struct_size == sizeof session_stats) +
         (generate_result.struct_size == sizeof generate_result) +
         (event.struct_size == sizeof event) + (request.struct_size == sizeof request) +
         (pump_result.struct_size == sizeof pump_result) +
         (context_stats.struct_size == sizeof context_stats) +
         (operation_stats.struct_size == sizeof operation_stats) +
         (save_options.struct_size == sizeof save_options) +
         (restore_options.struct_size == sizeof restore_options) +
         (synthesize_options.struct_size == sizeof synthesize_options) +
         (quantize_options.struct_size == sizeof quantize_options) +
         (imatrix_options.struct_size == sizeof imatrix_options);
}
