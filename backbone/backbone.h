#pragma once

#include <filesystem>
#include <string>

#include "backbone/chat_template.h"
#include "backbone/checkpoint.h"
#include "backbone/decoder.h"
#include "backbone/tokenizer.h"

namespace telora {

// Where a --backbone value leads.
struct BackboneSource {
  std::string name;            // as given: "smollm2-135m", a folder or a file
  std::filesystem::path path;  // an existing folder or .gguf file
  std::string chat_format;     // for models without a template; empty = by family
};

// A name of configs/backbones.yaml, a folder, or a .gguf file. Throws Error(missing) naming where
// it was looked for, Error(usage) for an unknown name.
BackboneSource find_backbone(const std::string& name);

// The tokenizer of a model folder, a .gguf file or a SentencePiece .model file. Throws as
// Tokenizer::from_folder(), from_gguf() and from_sentencepiece().
Tokenizer read_tokenizer(const std::filesystem::path& path);

// The template of the model's own, or its family's where it has none. Throws as
// chat_template_for().
ChatFormat chat_format_for(const BackboneSource& source, const Tokenizer& tokenizer,
                           const DecoderSpec& spec);

// The type of frozen weights and activations: `precision` is "f32" or "bf16", checked by the
// caller.
at::ScalarType frozen_type(const std::string& precision);

// The frozen weights alone. Throws what find_backbone() and Checkpoint throw.
Decoder load_decoder(const std::string& name, at::ScalarType dtype, at::Device device = at::kCPU);

// Everything one model is: frozen weights, tokenizer, template, and what identifies each.
struct Backbone {
  BackboneSource source;
  Decoder decoder;
  Tokenizer tokenizer;
  ChatFormat chat_format;
  std::string weights_digest;  // Checkpoint::digest
};

// dtype: kFloat or kBFloat16. Throws what Checkpoint and Tokenizer throw; Error(data) when the
// vocabulary is larger than the embedding. `chat_template` names a format, over the model's own.
Backbone load_backbone(const std::string& name, at::ScalarType dtype,
                       const std::string& chat_template = {}, at::Device device = at::kCPU);

}  // namespace telora
