#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <vector>

#include "adapters/peft_folder.h"
#include "backbone/decoder_spec.h"

namespace telora {

// Random pairs, neither side zero, for every module of `spec` that `config` selects.
AdapterFile tiny_adapter(const DecoderSpec& spec, const LoraConfig& config);

// The same with DoRA: magnitudes that are not the rows' lengths.
AdapterFile tiny_dora(const DecoderSpec& spec);

// Logits [T, V] of every token of golden::tiny_tokens(), float32, with the adapter attached if
// given.
at::Tensor tiny_logits(const std::filesystem::path& model, const AdapterFile* adapter = nullptr);

// Of float logits: the greatest difference over the greatest magnitude.
double relative_error(const at::Tensor& got, const at::Tensor& wanted);

// All families that GGUF files and Hugging Face folders have.
std::vector<DecoderSpec> tiny_families();

// Plain, rsLoRA, ranks and alphas by pattern, attention only.
std::vector<LoraConfig> tiny_configs();

}  // namespace telora
