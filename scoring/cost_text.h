#pragma once

#include <string>
#include <vector>

#include "scoring/report.h"

namespace telora {

// One figure of what a subject costs, as readers see it.
struct CostEntry {
  std::string name;   // "latency, median"
  std::string value;  // "0.210 s"; "not measured"
};

// All of Subject::cost, which must be there, and its Edge Score; always the same names in one
// order.
std::vector<CostEntry> cost_entries(const Report& report, const Subject& subject);

}  // namespace telora
