#include "scoring/html_table.h"

#include <fmt/format.h>

#include "scoring/svg.h"

namespace telora {

HtmlTable::HtmlTable(const std::vector<std::string>& headings, int text_columns)
    : text_(
          fmt::format("<div class=\"scroll\" tabindex=\"0\"><table class=\"t{}\">", text_columns)) {
  if (headings.empty()) return;
  text_ += "<thead><tr>";
  for (const std::string& heading : headings) {
    text_ += "<th scope=\"col\">" + escape_markup(heading) + "</th>";
  }
  text_ += "</tr></thead>";
}

void HtmlTable::row(const std::vector<std::string>& cells) {
  text_ += rows_++ == 0 ? "<tbody><tr>" : "<tr>";
  for (const std::string& cell : cells) text_ += "<td>" + escape_markup(cell) + "</td>";
  text_ += "</tr>\n";
}

std::string HtmlTable::str() const {
  return empty() ? std::string() : text_ + "</tbody></table></div>\n";
}

}  // namespace telora
