#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "scoring/comparison.h"

namespace telora {

// Raised whenever a reader of the version before would misread the file.
inline constexpr int64_t kReportVersion = 2;

// A comparison as report.json and `lora-eval compare --json` show it.
nlohmann::ordered_json comparison_json(const Comparison& comparison);

}  // namespace telora
