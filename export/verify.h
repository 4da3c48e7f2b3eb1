#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "export/logits_check.h"
#include "export/verify_changes.h"

namespace telora {

struct VerifyRequest {
  std::string adapter = {};   // run or PEFT folder: the adapter as trained
  std::string backbone = {};  // name, model folder or .gguf file
  std::string against = {};   // what was exported
  std::string category = {};  // whose held-out rows are asked; empty: that of the adapter's run
  std::string data = "sample";
  int64_t rows = 16;         // of the validation part, the first of them
  bool accept_risk = false;  // an adapter of other weights too
  std::function<void(const std::string& stage, int64_t done, int64_t total)> progress = {};
};

// Whether what was exported acts as the adapter that was trained.
struct Verification {
  ExportKind kind = ExportKind::kPeft;
  std::vector<std::string> faults = {};  // one line each; empty: none was found
  LogitsAgreement found = {};            // the export against the adapter as trained
  LogitsAgreement base = {};             // the same for the base without it: what a lost one shows
  double tolerance = 0;                  // of found.relative, by the number format of the export
  int64_t answers = 0;                   // questions that both answered
  int64_t same_answers = 0;
  bool passed() const { return faults.empty(); }
};

// Loads what was exported and holds it against the adapter on the backbone, in float32: the change
// of every weight (export/verify_changes.h), the logits of the last tokens of held-out prompts, the
// answers to them. Every disagreement beyond the format's rounding is a fault, and so is an adapter
// that changes nothing. Throws Error(integrity) for an adapter of other base weights, Error(usage)
// without a category, and as loading the parts throws.
Verification verify_export(const VerifyRequest& request);

// For a person: one table, then the faults or that there are none.
std::string render_verification(const Verification& verification);

}  // namespace telora
