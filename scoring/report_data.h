#pragma once

#include <string>
#include <vector>

#include "data/category.h"
#include "data/example.h"
#include "data/lite.h"
#include "data/split.h"
#include "scoring/build_report.h"
#include "scoring/report_page.h"

namespace telora {

// What costs nothing on `rows` (indices into `examples`) of one part of a split, with the marks of
// the best: rules, and on the test part the probes that are trained on the training part. Throws as
// free_baselines().
BaselineInputs part_baselines(const Category& category, const std::vector<Example>& examples,
                              const Split& split, const std::string& part,
                              const std::vector<size_t>& rows);

// The questions of rows, with their options.
void add_questions(const Category& category, const std::vector<Example>& rows, PageTexts& texts);

// Adds what the data set says: sizes of the parts and what costs nothing on each part that was
// scored; `data` is the value of --data, `lite` how the split that was scored was drawn. Returns the questions of all rows that were scored, with
// their options. Throws Error(data) if a scored row is not of this data set and split, or where the digest of
// either is known and another.
PageTexts add_data(const std::string& data, const LiteChoice& lite, ReportInputs& inputs);

}  // namespace telora
