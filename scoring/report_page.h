#pragma once

#include <map>
#include <string>

#include "scoring/report.h"

namespace telora {

// What a page may show besides the report itself.
struct PageTexts {
  std::map<std::string, std::string> questions = {};  // by id, for the worst mistakes
};

// report.html: one page for a person who decides, whole in itself: no script, nothing loaded from
// elsewhere, light and dark, from phone to desktop. Whatever a report holds is shown as text only.
std::string render_page(const Report& report, const PageTexts& texts = {});

}  // namespace telora
