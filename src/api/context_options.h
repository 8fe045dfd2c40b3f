// nemo_context_options and the types of a session, as the library's own: for those who load and
// those who plan.
#pragma once

#include <nemotron/nemotron.h>

#include "engine/engine.h"

namespace nemotron::api {

// kInvalidArgument, kNoDevice.
Status check_options(const nemo_context_options& options);

// Of options that were checked.
EngineOptions engine_options_of(const nemo_context_options& options);

// From NEMO_KV_ and NEMO_STATE_ values. kInvalidArgument.
Result<KvType> kv_type_of(std::uint32_t number);
Result<StateType> state_type_of(std::uint32_t number);

}  // namespace nemotron::api
