#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scoring/prediction.h"

namespace telora {

// One published adapter.
struct PublishedResult {
  std::string model;
  Score seen;    // training part
  Score unseen;  // test part
};

// What was published for one category, and what costs nothing there.
struct PublishedCategory {
  std::string name;
  double rule = 0;   // share that the best hand-written rule gets right
  double probe = 0;  // share that the best cheap probe gets right
  std::vector<PublishedResult> results = {};
};

struct PublishedTable {
  std::string source;
  std::vector<PublishedCategory> categories;
};

// From configs/published.yaml, built into the program.
const PublishedTable& published_table();
// Null where nothing was published for the category.
const PublishedCategory* find_published(std::string_view category);

// Reads such a table. Throws Error(config) with line and column.
PublishedTable parse_published(std::string_view yaml, std::string file);

}  // namespace telora
