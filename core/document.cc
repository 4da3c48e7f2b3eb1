#include "core/document.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

namespace telora {

namespace {

// `a.b[2]` -> `a.b` -> `a` -> ``.
std::string parent_path(const std::string& path) {
  const size_t end = path.find_last_of(".[");
  return end == std::string::npos ? "" : path.substr(0, end);
}

bool all_finite(const nlohmann::ordered_json& value) {
  std::vector<const nlohmann::ordered_json*> pending{&value};
  while (!pending.empty()) {
    const nlohmann::ordered_json& next = *pending.back();
    pending.pop_back();
    if (next.is_number_float() && !std::isfinite(next.get<double>())) return false;
    if (!next.is_structured()) continue;
    for (const auto& item : next) pending.push_back(&item);
  }
  return true;
}

}  // namespace

Where Document::where(const std::string& path) const {
  Where where{file_, path};
  where.line = where_line_;
  for (std::string at = path;; at = parent_path(at)) {
    const auto found = positions_->find(at);
    if (found != positions_->end()) {
      where.line = found->second.first;
      where.column = found->second.second;
      return where;
    }
    if (at.empty()) return where;
  }
}

std::string to_json(const nlohmann::ordered_json& value) {
  if (!all_finite(value)) {
    fail(ErrorKind::kInternal, {"JSON output", ""}, "a NaN or infinite number", "finite numbers");
  }
  try {
    return value.dump();
  } catch (const nlohmann::ordered_json::exception& error) {
    fail(ErrorKind::kInternal, {"JSON output", ""}, error.what(), "valid UTF-8 text");
  }
}

}  // namespace telora
