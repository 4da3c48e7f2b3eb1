#pragma once

#include <string>
#include <vector>

#include "scoring/part_result.h"

namespace telora {

// The drawings of report.html, as HTML.

// One row of the chart of accuracies.
struct StripRow {
  std::string label;
  std::string note = {};  // smaller, below the label
  double rate = 0;
  std::optional<Interval> interval = std::nullopt;
  std::string style;  // CSS class of mark and interval: "base", "adapter", "free", "published"
};

// Rows over one axis from 0 to 100 %; `free` and `chance` are upright lines through all of them.
std::string accuracy_chart(const std::vector<StripRow>& rows, std::optional<double> free,
                           std::optional<double> chance);

// How often each answer was right and how often it was given.
std::string histogram_chart(const AnswerHistogram& histogram);

// Gold in rows, answers in columns.
std::string confusion_chart(const ClassResult& classes);

// How often answers of a given confidence were right.
std::string reliability_chart(const CalibrationResult& calibration);

// Share of wrong answers if only the surest are given.
std::string risk_chart(const CalibrationResult& calibration);

}  // namespace telora
