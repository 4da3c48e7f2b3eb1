#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace telora {

// How long the questions took with one subject attached: "base", an adapter's folder.
struct SubjectTime {
  std::string name;
  double seconds = 0;  // loading and encoding not included
};

// Speed and memory of an evaluation. They differ from run to run, so report.json does not hold
// them.
struct EvaluationSummary {
  int64_t questions = 0;
  int64_t prompt_tokens = 0;
  double encode_seconds = 0;  // prompts to token ids, once for all subjects
  std::vector<SubjectTime> subjects;
  int64_t peak_rss_bytes = 0;
};

// summary.json, with questions and prompt tokens a second of each subject.
void write_summary(const std::filesystem::path& path, const EvaluationSummary& summary);

}  // namespace telora
