#pragma once

#include <string>
#include <utility>
#include <vector>

#include "adapters/lora_adapter.h"
#include "eval/evaluate.h"
#include "train/manifest.h"
#include "train/run_folder.h"
#include "train/trainer.h"
#include "train/workbench.h"

namespace telora {

// What a run is, as aligned lines for a person.
std::vector<std::pair<std::string, std::string>> run_header(
    const Recipe& recipe, const CategoryRows& rows, const EncodedParts& parts,
    const LoraAdapter& adapter, const DecoderSpec& spec, const RunFolder& folder);

// Scores of the test part before and after, beside what costs nothing.
Report run_report(const Recipe& recipe, const CategoryRows& rows, const EncodedParts& parts,
                  const Evaluation& before, const Evaluation& after);

RunSummary run_summary(const Trainer& trainer, TrainEnd end, const LoraAdapter& adapter,
                       const DecoderSpec& spec);

// Adapter, summary, report (if any; its page shows questions of `rows`), model card, and last the
// manifest that makes the run finished.
void publish_run(const RunFolder& folder, const Recipe& recipe, const RunIdentity& identity,
                 const CategoryRows& rows, const LoraAdapter& adapter, const RunSummary& summary,
                 const Report* report);

}  // namespace telora
