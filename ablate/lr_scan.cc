#include "ablate/lr_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "ablate/follow.h"
#include "core/error.h"

namespace telora {

namespace {

constexpr const char* kRate = "learning_rate";

void check(const std::vector<PlannedRun>& runs, const ScanRequest& request) {
  const auto refuse = [](const std::string& found, const char* want) {
    fail(ErrorKind::kUsage, {.file = "--lr-scan", .field = {}}, found, want);
  };
  if (request.rates.size() < 2)
    refuse(fmt::format("{} rates", request.rates.size()), "two or more");
  if (!(request.share > 0 && request.share <= 1)) {
    refuse(fmt::format("a share of {}", request.share), "above 0, at most 1");
  }
  for (const PlannedRun& run : runs) {
    if (!value_of(run, kRate).empty()) refuse("a sweep over learning_rate", "a sweep without");
  }
}

// "lr" and the rate behind the name of the combination.
std::string scan_name(const Combination& combination, const std::string& rate) {
  std::string name;
  for (const auto& [key, value] : combination)
    name += (key == "rank" ? "r" : key + ".") + value + "-";
  std::ranges::replace_if(
      name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)) && c != '-'; }, '.');
  return name + "lr" + rate;
}

Recipe with_rate(const Recipe& recipe, const std::string& rate) {
  Recipe changed = recipe;
  changed.learning_rate = std::stod(rate);
  return changed;
}

// The loss is better the lower it is; accuracies the higher.
bool is_better(const Recipe& recipe, double a, double b) {
  return recipe.selection_metric == "loss" ? a < b : a > b;
}

}  // namespace

Combination combination_of(const PlannedRun& run) {
  Combination combination;
  for (const auto& pair : run.values) {
    if (pair.first != "seed" && pair.first != kRate) combination.push_back(pair);
  }
  return combination;
}

std::vector<PlannedRun> scan_runs(const std::vector<PlannedRun>& runs, const ScanRequest& request,
                                  const std::function<int64_t(const Recipe&)>& steps) {
  check(runs, request);
  std::vector<PlannedRun> scan;
  std::vector<Combination> seen;
  for (const PlannedRun& run : runs) {
    const Combination combination = combination_of(run);
    if (std::ranges::find(seen, combination) != seen.end()) continue;
    seen.push_back(combination);
    for (const std::string& rate : request.rates) {
      PlannedRun one{.name = scan_name(combination, rate),
                     .values = combination,
                     .recipe = with_rate(run.recipe, rate)};
      one.values.emplace_back(kRate, rate);
      const double count = request.share * static_cast<double>(steps(run.recipe));
      one.recipe.max_steps = std::max<int64_t>(1, std::llround(count));
      scan.push_back(std::move(one));
    }
  }
  return scan;
}

std::vector<ScanChoice> choose_rates(const std::filesystem::path& folder,
                                     const std::vector<PlannedRun>& scan) {
  std::vector<ScanChoice> choices;
  for (const PlannedRun& run : scan) {
    const Combination combination = combination_of(run);
    if (choices.empty() || choices.back().combination != combination) {
      choices.push_back({.combination = combination, .name = values_text(combination)});
    }
    RunFollower follower(folder / "runs" / run.name, 0, run.recipe.selection_metric);
    const std::optional<double> value = follower.read().validation;
    if (!value) {
      fail(ErrorKind::kData, {(folder / "runs" / run.name).string(), run.recipe.selection_metric},
           "no value", "one of the validation part", "set evaluations_per_epoch above 0");
    }
    ScanChoice& choice = choices.back();
    const auto best =
        std::ranges::find(choice.values, choice.rate, &std::pair<std::string, double>::first);
    if (choice.values.empty() || is_better(run.recipe, *value, best->second)) {
      choice.rate = value_of(run, kRate);
    }
    choice.values.emplace_back(value_of(run, kRate), *value);
  }
  return choices;
}

std::vector<PlannedRun> with_rates(std::vector<PlannedRun> runs,
                                   const std::vector<ScanChoice>& choices) {
  for (PlannedRun& run : runs) {
    const auto choice = std::ranges::find(choices, combination_of(run), &ScanChoice::combination);
    if (choice != choices.end()) run.recipe = with_rate(run.recipe, choice->rate);
  }
  return runs;
}

std::string render_scan(const std::vector<ScanChoice>& choices) {
  std::string text = "learning rates, best value on the validation part\n\n";
  std::vector<double> best;
  for (const ScanChoice& choice : choices) {
    text += fmt::format("  {:<24}", choice.name);
    for (const auto& [rate, value] : choice.values) {
      text += fmt::format("  {}{}: {:.3f}", rate == choice.rate ? "*" : " ", rate, value);
      if (rate == choice.rate) best.push_back(value);
    }
    text += "\n";
  }
  if (choices.size() < 2) return text;
  const auto spread = [](const std::vector<double>& values) {
    const auto [low, high] = std::ranges::minmax(values);
    return high - low;
  };
  text += "\n";
  for (size_t i = 0; i < choices.front().values.size(); ++i) {
    std::vector<double> same;
    for (const ScanChoice& choice : choices) same.push_back(choice.values.at(i).second);
    text += fmt::format("  at {} they are {:.3f} apart\n", choices.front().values[i].first,
                        spread(same));
  }
  return text +
         fmt::format("  each at its best {:.3f}: the rest was learning rate\n", spread(best));
}

}  // namespace telora
