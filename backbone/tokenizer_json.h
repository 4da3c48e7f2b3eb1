#pragma once

#include <filesystem>
#include <vector>

#include "backbone/tokenizer_parts.h"
#include "core/document.h"

namespace telora {

// The parts of a tokenizer.json (format of the Hugging Face tokenizers library) that holds a
// byte-level BPE model. Throws Error(data) naming file and field.
TokenizerParts parse_tokenizer_json(const Document& document);

// The split rules of `pre_tokenizer`, which must end in its ByteLevel step.
std::vector<SplitRule> parse_pre_tokenizer(Fields fields);

// Adds what tokenizer_config.json, generation_config.json and chat_template.jinja of `folder` say.
void add_tokenizer_config(const std::filesystem::path& folder, TokenizerParts& parts);

// One entry of `added_tokens`; `id` is not read.
AddedToken parse_added_token(Fields& fields, int32_t id);

}  // namespace telora
