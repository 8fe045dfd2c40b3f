// The conversation at a terminal.
#pragma once

#include "conversation.h"

// Until /exit, the end of the input, or ^C twice.
void chat(Conversation& conversation);
