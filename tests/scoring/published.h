#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "data/source.h"
#include "data/split.h"

namespace telora::published {

// The published data set: TELORA_OT_FULL, or ../shared/data/ot-full beside the source tree.
inline std::filesystem::path folder() {
  const char* set = std::getenv("TELORA_OT_FULL");
  if (set) return set;
  return std::filesystem::path(TELORA_SOURCE_DIR).parent_path() / "shared" / "data" / "ot-full";
}

inline bool is_there() { return std::filesystem::is_directory(folder()); }

// A category's rows and the parts of its splits.
struct Rows {
  const Category& category;
  std::vector<Example> all;

  explicit Rows(const std::string& name)
      : category(find_category(name)),
        all(load_category({.sample = false, .folder = folder()}, category).examples) {}

  std::vector<Example> test(const char* method) const {
    return examples_at(all, make_split(all, category, method, 42).test);
  }
};

}  // namespace telora::published

// Skips the test where the published data set is not at hand.
#define TELORA_NEEDS_PUBLISHED_DATA() \
  if (!telora::published::is_there()) \
  GTEST_SKIP() << "the published data set is absent: point TELORA_OT_FULL at it"
