#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace telora {

// A table of an HTML page that scrolls within its box where there is no room. Cells are text and
// are escaped.
class HtmlTable {
 public:
  // The first `text_columns` hold text, the others figures, which stand at the right.
  explicit HtmlTable(const std::vector<std::string>& headings, int text_columns = 1);

  void row(const std::vector<std::string>& cells);
  bool empty() const { return rows_ == 0; }
  std::string str() const;

 private:
  std::string text_;
  int rows_ = 0;
};

}  // namespace telora
