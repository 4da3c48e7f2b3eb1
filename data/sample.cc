#include "data/sample.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/files.h"

namespace telora {

namespace {

struct Composer {
  std::string_view category;
  std::vector<std::string> (*rows)();
};

constexpr Composer kComposers[] = {
    {"teleqna", sample::teleqna_rows},     {"6g-bench", sample::six_g_rows},
    {"3gpp-tsg", sample::three_gpp_rows},  {"oran-bench", sample::oran_rows},
    {"srsran-bench", sample::srsran_rows}, {"teletables", sample::teletables_rows},
};

}  // namespace

std::vector<std::string> sample_rows(const Category& category) {
  std::string known;
  for (const Composer& composer : kComposers) {
    if (composer.category == category.name) return composer.rows();
    known += fmt::format("{}{}", known.empty() ? "" : ", ", composer.category);
  }
  fail(ErrorKind::kUsage, {.file = "sample", .field = "category"}, category.name, "one of " + known,
       "use --data DIR with rows of your own for other categories");
}

void write_sample(const std::filesystem::path& folder) {
  create_folders(folder);
  for (const Composer& composer : kComposers) {
    std::string lines;
    for (const std::string& row : composer.rows()) lines += row + '\n';
    const std::string file = find_category(composer.category).file;
    publish(folder / (file + ".jsonl"), lines);
  }
}

}  // namespace telora
