#pragma once

#include <filesystem>
#include <vector>

#include "backbone/text_normalizer.h"
#include "backbone/tokenizer_parts.h"
#include "core/document.h"

namespace telora {

// The parts of a tokenizer.json (format of the Hugging Face tokenizers library): byte-level BPE,
// BPE over characters with byte fallback, or a unigram model. Throws Error(data) naming file and
// field.
TokenizerParts parse_tokenizer_json(const Document& document);

// `normalizer` of the file; empty where it is null.
TextNormalizer parse_normalizer(Fields& root);

// `pre_tokenizer` of the file; no steps where it is null.
PreTokenizerSteps parse_pre_tokenizer(Fields& root);

// A Metaspace step, which serves as pre-tokenizer and as decoder.
Metaspace parse_metaspace(Fields& fields);

// `decoder` of the file; `byte_level` says what it must be.
DecodeRule parse_decoder(Fields& root, bool byte_level);

// `post_processor` of the file: what is put before and after a text.
void parse_post_processor(Fields& root, TokenizerParts& parts);

// `model` of the file; the other parts must be there already.
void parse_model(Fields model, const PreTokenizerSteps& steps, TokenizerParts& parts);

// Adds what tokenizer_config.json, generation_config.json and chat_template.jinja of `folder` say.
void add_tokenizer_config(const std::filesystem::path& folder, TokenizerParts& parts);

// One entry of `added_tokens`; `id` is not read.
AddedToken parse_added_token(Fields& fields, int32_t id);

// `key`, or `otherwise` where the file does not have it.
bool json_flag(Fields& fields, const std::string& key, bool otherwise);

}  // namespace telora
