#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "export/held_out.h"
#include "export/logits_check.h"
#include "export/verify_changes.h"

namespace telora {

struct VerifyRequest {
  std::string adapter = {};        // run or PEFT folder: the adapter as trained
  std::string backbone = {};       // name, model folder or .gguf file
  std::string against = {};        // what was exported
  HeldOutRequest asked = {};       // no category: that of the adapter's run
  bool accept_risk = false;        // an adapter of other weights too
  bool weights_only = false;       // run no model: the memory of a few pieces of weights
  bool in_llama_cpp = false;       // ask llama.cpp itself as well
  std::string python = "python3";  // that has llama-cpp-python
  std::function<void(const std::string& stage, int64_t done, int64_t total)> progress = {};
};

// What one of the models compared with the adapter as trained says.
struct Compared {
  LogitsAgreement logits = {};
  double tolerance = 0;  // of logits.relative
  // How much of the adapter's change of the logits is in theirs: the factor by which it fits best.
  // 1 as trained, 0 without it, whatever rounding adds.
  double strength = 0;
  int64_t same_answers = 0;
  int64_t correct = 0;  // answers
};

// Whether what was exported acts as the adapter that was trained.
struct Verification {
  ExportKind kind = ExportKind::kPeft;
  std::vector<std::string> faults = {};  // one line each, those of modules cut short; empty: none
  int64_t questions = 0;                 // that were answered; 0: only weights were compared
  int64_t correct = 0;                   // by the adapter as trained
  Compared exported = {};                // read back here
  Compared base = {};                    // without the adapter: what a lost one would show
  std::optional<Compared> llama_cpp = {};
  std::string llama_cpp_version = {};
  bool passed() const { return faults.empty(); }
};

// Loads what was exported and holds it against the adapter on the backbone, in float32: the change
// of every weight (export/verify_changes.h), the logits of the last tokens of held-out prompts, the
// answers to them. With `in_llama_cpp` that program answers the same rows from the same files.
// Every disagreement beyond the format's rounding is a fault, and so is an adapter that changes
// nothing. With `weights_only` the weights alone are compared. Throws Error(integrity) for an
// adapter of other base weights, Error(usage) without a category and where llama.cpp cannot read
// what was exported, and as ask_llama_cpp() and loading the parts.
Verification verify_export(const VerifyRequest& request);

// For a person: one table, then the faults or that there are none.
std::string render_verification(const Verification& verification);

}  // namespace telora
