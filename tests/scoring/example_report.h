#pragma once

#include <string>
#include <vector>

#include "scoring/build_report.h"

namespace telora::example {

// 745 rows. Selection: base 231 right, adapter 593, of these 213 both. Generated: base 209 with 92
// not understood, adapter 590, of these 199 both.
inline Prediction row(int i, bool adapter) {
  const std::vector<std::string> letters = {"A", "B", "C", "D"};
  const auto answer = [&](bool right) { return letters[static_cast<size_t>(i + !right) % 4]; };
  const bool selected = adapter ? i >= 18 && i < 611 : i < 231;
  const bool generated = adapter ? i >= 10 && i < 600 : i < 209;
  Prediction p;
  p.id = "6g-bench/" + std::to_string(i);
  p.split = "test";
  p.split_method = "group";
  p.split_seed = 42;
  p.parser = "inspect-legacy";
  p.options = 4;
  p.gold = letters[static_cast<size_t>(i) % 4];
  p.selected = answer(selected);
  p.parsed = adapter || i < 745 - 92;
  p.predicted = p.parsed ? answer(generated) : "";
  p.correct = p.predicted == p.gold;
  p.output = p.parsed ? "ANSWER: " + p.predicted : "";
  return p;
}

inline ReportInputs inputs() {
  ReportInputs inputs;
  inputs.category = "6g-bench";
  inputs.backbone = "smollm2-135m";
  inputs.digests = {{"backbone", "ab12"}, {"data", "cd34"}};
  inputs.settings = {{"precision", "bf16"}};
  inputs.parser = "inspect-legacy";
  inputs.parser_version = "Inspect AI before 0.3.221";
  inputs.split_method = "group";
  inputs.split_seed = 42;
  inputs.rows = {2233, 744, 745};
  inputs.subjects = {{kBaseName, {{"test", {}}}}, {"adapter", {{"test", {}}}}};
  for (int i = 0; i < 745; ++i) {
    inputs.subjects[0].parts[0].predictions.push_back(row(i, false));
    inputs.subjects[1].parts[0].predictions.push_back(row(i, true));
  }
  inputs.baselines = {{"test",
                       {{"best constant answer (B)", 228, 745},
                        {"longest option", 320.5, 745},
                        {"chance", 186.25, 745}}}};
  return inputs;
}

}  // namespace telora::example
