#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "scoring/statistics.h"

namespace telora {

// How reports write figures; shared by console and page.

std::string grouped(int64_t value);                 // "2,233"; of 0 or more
std::string percent(double share);                  // "43.0 %"
std::string interval_text(const Interval& shares);  // "[27.8, 34.4]", in percent
std::string p_text(double p);                       // "0.012", "2e-89", "< 1e-99"

// Cut from the left to `width` characters, control bytes made visible: the end of a path or a name
// tells more than its beginning.
std::string shortened(const std::string& name, size_t width);

// `text` in lines of at most `columns` characters after `indent`, cut at spaces where there are
// any; every line ends with a newline.
std::string wrapped(std::string_view text, size_t columns, std::string_view indent);

}  // namespace telora
