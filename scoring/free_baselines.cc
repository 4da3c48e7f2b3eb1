#include "scoring/free_baselines.h"

#include <algorithm>
#include <utility>

#include "scoring/rules.h"

namespace telora {

std::vector<Baseline> untrained_baselines(const Category& category,
                                          const std::vector<Example>& training,
                                          const std::vector<Example>& test) {
  std::vector<Baseline> all = shortcut_baselines(category.kind, training, test);
  for (Baseline& rule : text_rules(category, test)) all.push_back(std::move(rule));
  return all;
}

std::vector<Baseline> free_baselines(const Category& category, const std::vector<Example>& training,
                                     const std::vector<Example>& validation,
                                     const std::vector<Example>& test) {
  std::vector<Baseline> all = untrained_baselines(category, training, test);
  const ProbeParts parts{training, validation, test};
  if (category.kind == TaskKind::kLetters) {
    all.push_back(options_probe(parts));
    all.push_back(surface_probe(parts));
  } else if (category.kind == TaskKind::kClasses) {
    all.push_back(text_probe(parts));
  }
  return all;
}

std::vector<double> gold_shares(const std::vector<Example>& rows) {
  std::vector<double> shares;
  for (const Example& row : rows) {
    if (row.options.empty()) return {};
    shares.resize(std::max(shares.size(), row.options.size()));
    shares.at(row.answer) += 1 / static_cast<double>(rows.size());
  }
  return shares;
}

}  // namespace telora
