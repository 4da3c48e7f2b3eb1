#pragma once

#include <functional>
#include <string>

#include "export/verify_changes.h"

namespace telora {

struct ExportRequest {
  ExportKind kind = ExportKind::kPeft;
  std::string adapter = {};   // run or PEFT folder
  std::string backbone = {};  // name, model folder or .gguf file
  std::string out = {};       // folder, or .gguf file
  // Number format: f32, f16, bf16; for GGUF also q8_0, q5_1, q5_0, q4_1, q4_0. Empty: f32 for
  // adapters, that of each tensor of the base for merged models.
  std::string type = {};
  std::string license = {};  // of a folder's model card, an SPDX identifier; empty: not stated
  bool portable = false;     // of a PEFT folder: one rank and one scale (export/portability.h)
  bool accept_risk = false;  // an adapter of other base weights too
  std::function<void(const std::string& text)> warn = {};  // what a reader of the folder may miss
};

// Writes the adapter in another form (folders with a model card, the run's if there is one),
// with digests of base, tokenizer and data in the file. What was at `out` before stays if anything
// fails. Throws Error(cannot_create) if something is there, Error(usage) for a type that the form
// does not have, Error(config) for an adapter or a base that it cannot hold, Error(integrity) for
// an adapter of other base weights, and as the writers.
void export_adapter(const ExportRequest& request);

}  // namespace telora
