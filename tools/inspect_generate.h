#pragma once

#include <string>

#include "eval/generate.h"

namespace telora {

// Prints each answer, or with `json` one object a question: {"prompt_tokens", "ids", "text",
// "stopped"}.
void inspect_generate(const GenerateRequest& request, bool json);

}  // namespace telora
