#pragma once

#include <string>

#include "scoring/report_page.h"

namespace telora {

// The parts of report.html below the verdict, as HTML; empty where there is nothing to show.
std::string score_table(const Report& report, const std::string& part);
std::string test_table(const Report& report, const std::string& part);
std::string seen_section(const Report& report);
std::string steady_section(const Report& report);
std::string answers_section(const Report& report);
std::string confidence_section(const Report& report);
std::string mistakes_section(const Report& report, const PageTexts& texts);
std::string cost_section(const Report& report);
std::string measured_section(const Report& report);

}  // namespace telora
