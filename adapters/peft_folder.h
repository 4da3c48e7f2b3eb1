#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "adapters/lora_config.h"
#include "core/safetensors.h"

namespace telora {

struct ModuleShape;  // backbone/decoder_spec.h

struct LoraTensors {
  std::string module;         // base model's name: "model.layers.0.self_attn.q_proj"
  at::Tensor a;               // [rank, in] f32
  at::Tensor b;               // [out, rank] f32
  at::Tensor magnitude = {};  // [out] f32 of a DoRA adapter, otherwise undefined
};

// A LoRA adapter as PEFT stores it: adapter_config.json and adapter_model.safetensors.
struct AdapterFile {
  LoraConfig config;
  std::vector<LoraTensors> modules;
  std::map<std::string, std::string> metadata;  // of the safetensors file
};

// Reads the adapter in `folder` for a base model with the linear modules `base`; F16 and BF16
// become F32, modules come in the order of `base`. Throws Error(missing) without the files, and
// Error(data) with every problem of the names and shapes in one message: an unknown tensor, A
// without B, a module that the base lacks or the config does not select, a selected module without
// tensors, a shape that differs from the base, a rank that differs from the config, magnitudes
// missing from a DoRA adapter or present in another; Error(integrity) for files that are not those
// of the folder's telora.json; then Error(data) for the first tensor holding NaN or Inf.
AdapterFile read_adapter(const std::filesystem::path& folder, const std::vector<ModuleShape>& base);

// The same without a base model: its modules are taken to be those that the tensors name.
AdapterFile read_adapter(const std::filesystem::path& folder);

// Writes both files, each atomically, the config last; metadata "format" is always "pt". The folder
// is made if absent. It may hold an adapter with the same config, whose weights are replaced; an
// adapter with another config is refused, so that no interruption can leave the weights of one
// beside the config of the other. Throws Error(data) for values that are not finite in `dtype`
// (F32, F16 or BF16), Error(internal) if tensors and config do not fit each other,
// Error(cannot_create | io) as publish().
void write_adapter(const std::filesystem::path& folder, const AdapterFile& adapter,
                   Dtype dtype = Dtype::kF32);

}  // namespace telora
