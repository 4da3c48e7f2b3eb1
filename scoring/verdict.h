#pragma once

#include <vector>

#include "scoring/report.h"

namespace telora {

// One sentence a subject, from what was computed before: which base and baseline it beats on the
// report's main part, and what to beware of. "An improvement" is said only of what beats both and
// does not answer like a constant.
std::vector<SubjectVerdict> verdicts_of(const Report& report);

}  // namespace telora
