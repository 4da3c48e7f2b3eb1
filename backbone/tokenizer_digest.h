#pragma once

#include <string>

#include "backbone/tokenizer_parts.h"

namespace telora {

// SHA-256 over a canonical form of `parts`; see Tokenizer::digest.
std::string tokenizer_digest(const Vocabulary& vocabulary, const TokenizerParts& parts);

}  // namespace telora
