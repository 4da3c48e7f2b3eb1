#include "data/leaks.h"

#include <algorithm>
#include <unordered_map>

#include "core/digest.h"
#include "data/near_duplicates.h"
#include "data/option_rotation.h"

namespace telora {

std::string item_key(const Example& example) {
  std::vector<std::string> options;
  for (const std::string& option : strip_option_numbers(example.options)) {
    options.push_back(normalise_text(option));
  }
  Sha256 digest;
  const auto add = [&](const std::string& text) { digest.update(text).update("\n"); };
  add(normalise_text(example.question));
  // A number is not normalised: that would take its sign and its point away.
  add(options.empty() ? example.number : options.at(example.answer));
  std::ranges::sort(options);
  for (const std::string& option : options) add(option);
  return digest.hex();
}

std::vector<ExactDuplicate> exact_test_duplicates(const Split& split,
                                                  const std::vector<Example>& examples) {
  std::unordered_map<std::string, size_t> tested;
  for (const size_t row : split.test) tested.try_emplace(item_key(examples.at(row)), row);
  std::vector<ExactDuplicate> found;
  for (const size_t row : split.train) {
    const auto same = tested.find(item_key(examples.at(row)));
    if (same != tested.end()) found.push_back({row, same->second});
  }
  return found;
}

}  // namespace telora
