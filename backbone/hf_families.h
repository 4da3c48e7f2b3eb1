#pragma once

#include <string>
#include <string_view>

#include "backbone/decoder_spec.h"
#include "core/document.h"

namespace telora {

// A model family of transformers: one row of the table in the source.
struct HfFamily {
  std::string_view model_type;    // of config.json
  std::string_view architecture;  // class of its causal language model
  std::string_view name;          // DecoderSpec::architecture
  bool needs_head_dim;            // the class default is not hidden / heads
  // Reads rope, activation and what else is the family's own; sizes are in `spec` already.
  void (*read)(Fields& fields, DecoderSpec& spec);
};

// By DecoderSpec::architecture; nullptr where transformers has no such family here.
const HfFamily* hf_family_of(std::string_view architecture);
const HfFamily* find_hf_family(std::string_view model_type);  // nullptr: not implemented
std::string hf_family_names();                                // "llama, qwen2, ..."

}  // namespace telora
