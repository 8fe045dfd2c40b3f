// What requests of both forms, blocking and submitted, have in common at the ABI.
#pragma once

#include <nemotron/nemotron.h>

#include "api/handles.h"
#include "session/generate.h"

namespace nemotron::api {

// All of the options but for the callback. kState without a tokenizer.
Status read_generate_options(const nemo_session& session, const nemo_generate_options* options,
                             GenerateRequest& out);

std::uint32_t event_type_to_abi(EventType type);
std::uint32_t finish_reason_to_abi(FinishReason reason);

}  // namespace nemotron::api
