#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/lite.h"
#include "scoring/report.h"

namespace telora {

struct ScoreRequest {
  std::string category;
  std::string backbone = "smollm2-135m";
  std::string chat_template;               // empty = by the model's own template
  std::vector<std::string> adapters;       // run or PEFT folders
  std::string data;                        // empty = the default source
  std::vector<std::string> parts{"test"};  // train | validation | test, each once
  int64_t limit = 0;                       // of each part the first so many rows; 0 = all
  std::string split_method = "group";
  int64_t split_seed = 42;
  LiteChoice lite = {};  // as the adapters were trained
  std::string precision = "bf16";
  std::string device = "cpu";  // cpu or cuda
  bool selection = true;       // option log-likelihoods beside generated answers
  bool rotate = false;         // letter questions in every order of their options too
  MajoritySettings majority;   // samples = 0: greedy answers only
  int64_t max_new_tokens = 0;  // of an answer; 0 = what the category says
  int64_t cost_queries = 0;    // single questions that costs are measured with; 0 = not measured
  bool accept_risk = false;    // score adapters of other weights or with a suspicious spectrum too
  int64_t tokens_per_pass = 4096;
  // Folder for report.json, report.html, summary.json and a predictions file a subject; empty =
  // none.
  std::string out;
  std::function<void(const std::string& stage, int64_t done, int64_t total)> progress;
};

// Scores the base and each adapter on parts of a category, over one resident backbone, beside what
// costs nothing. Throws Error.
Report score_adapters(const ScoreRequest& request);

}  // namespace telora
