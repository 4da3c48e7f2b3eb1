#pragma once

#include <string_view>

namespace telora::fuzz {

// Each reads `bytes` as one kind of file and uses what it read. A telora::Error that says one line
// and is not internal is the right answer to a bad file; any other exception, and anything that
// does not hold of a good one, ends the process.
void read_safetensors(std::string_view bytes);
void read_gguf(std::string_view bytes);  // container, values, model configuration, tokenizer
void read_tokenizer_json(std::string_view bytes);  // and encodes with it
void read_sentencepiece(std::string_view bytes);   // tokenizer.model, and encodes with it
void read_adapter_config(std::string_view bytes);  // and writes it again

}  // namespace telora::fuzz
