#pragma once

#include <string>
#include <vector>

#include "scoring/build_report.h"

namespace telora {

// The inputs of one report from folders of runs or evaluations: subjects as prediction_files()
// finds them, their lines sorted into parts. With several folders a subject other than the base has
// its folder's name in it, and the first base counts.
//
// What predictions do not tell is taken from the first folder's report.json of this version
// (backbone, digests, settings, sizes, baselines, costs), else from its telora.json. Where nothing
// says what costs nothing, the best constant answer in hindsight and chance stand in.
//
// Throws Error(missing) for a folder without predictions, Error(data) for lines of different
// categories, splits or parsers, or a report.json of a newer version.
ReportInputs gather_inputs(const std::vector<std::string>& folders);

}  // namespace telora
