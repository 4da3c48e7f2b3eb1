#include "scoring/published.h"

#include <algorithm>

#include "core/document.h"
#include "core/embedded.h"

namespace telora {

namespace {

Score read_score(Fields& fields, const char* key) {
  const std::vector<int64_t> counts = fields.integers(key, {.min = 0});
  if (counts.size() != 2 || counts[1] < 1 || counts[0] > counts[1]) {
    fields.fail(key, "other counts", "[right, rows]");
  }
  return {key, counts[0], counts[1]};
}

PublishedResult read_result(Fields& fields) {
  PublishedResult result{fields.string("model"), {}, {}};
  result.seen = read_score(fields, "seen");
  result.unseen = read_score(fields, "unseen");
  fields.finish();
  return result;
}

PublishedCategory read_category(Fields& fields) {
  constexpr Range<double> kPercent = {.min = 0, .max = 100};
  PublishedCategory category{fields.string("name")};
  category.rule = fields.number("rule", kPercent) / 100;
  category.probe = fields.number("probe", kPercent) / 100;
  for (Fields& result : fields.objects("results")) category.results.push_back(read_result(result));
  fields.finish();
  return category;
}

}  // namespace

PublishedTable parse_published(std::string_view yaml, std::string file) {
  Fields fields(Document::parse_yaml(yaml, std::move(file)));
  PublishedTable table{fields.string("source"), {}};
  for (Fields& category : fields.objects("categories")) {
    table.categories.push_back(read_category(category));
  }
  fields.finish();
  return table;
}

const PublishedTable& published_table() {
  constexpr const char* kFile = "configs/published.yaml";
  static const PublishedTable kTable = parse_published(embedded_file(kFile), kFile);
  return kTable;
}

const PublishedCategory* find_published(std::string_view category) {
  const auto& all = published_table().categories;
  const auto found = std::ranges::find(all, category, &PublishedCategory::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace telora
