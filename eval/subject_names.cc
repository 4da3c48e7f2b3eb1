#include "eval/subject_names.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/error.h"
#include "scoring/report.h"

namespace telora {

namespace {

using Parts = std::vector<std::string>;  // of a path, the last first

Parts parts_of(const std::string& folder) {
  Parts parts;
  for (const auto& part : std::filesystem::absolute(folder).lexically_normal()) {
    if (!part.empty()) parts.push_back(part.string());
  }
  std::ranges::reverse(parts);
  return parts;
}

std::string last(const Parts& parts, size_t count) {
  std::string name = parts.front();
  for (size_t i = 1; i < std::min(count, parts.size()); ++i) name.insert(0, parts[i] + "/");
  return name;
}

void require_distinct(const std::vector<std::string>& adapters, const std::vector<Parts>& parts) {
  for (size_t i = 0; i < parts.size(); ++i) {
    if (std::find(parts.begin(), parts.begin() + static_cast<ptrdiff_t>(i), parts[i]) ==
        parts.begin() + static_cast<ptrdiff_t>(i))
      continue;
    fail(ErrorKind::kUsage, {.file = "--adapter", .field = {}}, printable(adapters[i]) + " twice",
         "each adapter once");
  }
}

}  // namespace

std::vector<std::string> subject_names(const std::vector<std::string>& adapters) {
  std::vector<Parts> parts;
  for (const std::string& folder : adapters) parts.push_back(parts_of(folder));
  require_distinct(adapters, parts);
  for (size_t count = 1;; ++count) {
    std::set<std::string> files = {kBaseName};
    std::vector<std::string> names;
    for (const Parts& one : parts) names.push_back(last(one, count));
    for (const std::string& name : names) files.insert(file_name_of(name));
    const bool whole =
        std::ranges::all_of(parts, [&](const Parts& p) { return count >= p.size(); });
    if (files.size() == names.size() + 1 || whole) return names;
  }
}

std::string file_name_of(const std::string& subject) {
  std::string name = subject;
  std::ranges::replace(name, '/', '-');
  return name;
}

}  // namespace telora
