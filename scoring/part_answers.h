#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scoring/answering.h"
#include "scoring/part_result.h"

namespace telora {

// The pieces of a PartResult that look at single answers.

// One a set; none where answers are open.
std::vector<AnswerHistogram> answer_histograms(const std::vector<AnswerSet>& sets);

// One a set, where answers are names of classes.
std::vector<ClassResult> class_results(const std::vector<AnswerSet>& sets);

// Of the options that were selected; nothing where no options were scored.
std::optional<CalibrationResult> calibrate(const std::string& part,
                                           const std::vector<Prediction>& predictions,
                                           const std::vector<Prediction>* on_validation);

// Wrong answers of rows sorted by id, the surest first: of the selected option where options were
// scored, else of the generated answer.
std::vector<Mistake> worst_mistakes(const std::vector<Prediction>& predictions);

}  // namespace telora
