#pragma once

#include <string_view>

namespace telora {

// The style sheet of report.html.
std::string_view page_style();

}  // namespace telora
