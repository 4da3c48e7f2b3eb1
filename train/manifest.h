#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/resources.h"
#include "scoring/report.h"
#include "train/checkpoint.h"
#include "train/recipe.h"

namespace telora {

// Figures of a finished run.
struct RunSummary {
  double tokens_per_second = 0;  // real tokens of all steps but the first two, by their time
  double train_seconds = 0;      // steps and validation
  int64_t tokens = 0;
  int64_t steps = 0;
  int64_t best_step = 0;
  bool stopped_early = false;
  int64_t peak_rss_bytes = 0;
  int64_t parameters_trained = 0;
  int64_t parameters_frozen = 0;
  int64_t vocabulary_size = 0;  // of the base
};

void write_summary(const std::filesystem::path& path, const RunSummary& summary);

// telora.json: what the adapter was made from and what came out. Written last.
void write_manifest(const std::filesystem::path& path, const Recipe& recipe,
                    const RunIdentity& identity, const RunSummary& summary, const Report* report,
                    const std::string& adapter_sha256, const std::string& adapter_config_sha256);

// README.md of the run's folder: a model card for the adapter.
void write_model_card(const std::filesystem::path& path, const Recipe& recipe,
                      const RunIdentity& identity, const RunSummary& summary, const Report* report);

}  // namespace telora
