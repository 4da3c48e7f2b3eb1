#pragma once

#include <string>
#include <vector>

#include "scoring/build_report.h"

namespace telora {

// The inputs of one report from folders of runs or evaluations: every predictions file is a
// subject, its lines sorted into parts. A part at the end of a file's name
// (predictions-base-train.jsonl) is left off the subject's name. With several folders a subject
// other than the base has its folder's name in it, and a base is counted once.
//
// What predictions do not tell is taken from the first folder's report.json of this version
// (backbone, digests, settings, sizes, baselines, costs), else from its telora.json. Where nothing
// says what costs nothing, the best constant answer in hindsight and chance stand in.
//
// Throws Error(missing) for a folder without predictions, Error(data) for lines of different
// categories, splits or parsers, or a report.json of a newer version.
ReportInputs gather_inputs(const std::vector<std::string>& folders);

}  // namespace telora
