#include "ablate/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "core/digest.h"
#include "core/document.h"
#include "core/error.h"
#include "core/random.h"
#include "core/text.h"
#include "train/recipe_keys.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMostRuns = 10'000;
constexpr int64_t kMostPoints = 1000;

std::string setting_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// "4" rather than "4.0": integers of the recipe are read from it.
std::string number_text(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    return fmt::format("{}", static_cast<int64_t>(value));
  }
  return fmt::format("{:.6g}", value);
}

std::vector<std::string> range_values(Fields range) {
  const std::string scale = range.string("scale", {"linear", "log"});
  const double from = range.number("from");
  const double to = range.number("to", {.min = from, .min_excluded = true});
  const int64_t points = range.integer("points", {.min = 2, .max = kMostPoints});
  range.finish();
  if (scale == "log" && from <= 0) range.fail("from", number_text(from), "more than 0, for log");
  std::vector<std::string> values;
  for (int64_t i = 0; i < points; ++i) {
    const double t = static_cast<double>(i) / static_cast<double>(points - 1);
    values.push_back(
        number_text(scale == "log" ? from * std::pow(to / from, t) : from + t * (to - from)));
  }
  return values;
}

std::vector<std::string> axis_values(Fields& axes, const std::string& key) {
  const Json& value = axes.raw(key);
  if (value.is_object()) return range_values(axes.object(key));
  if (!value.is_array()) {
    axes.fail(key, to_json(value), "a list of values, or {from, to, points, scale}");
  }
  std::vector<std::string> values;
  for (const Json& item : value) values.push_back(setting_text(item));
  return values;
}

void require_key(const std::string& key) {
  if (find_recipe_key(key) != nullptr) return;
  std::vector<std::string> known;
  for (const RecipeKey& one : recipe_keys()) known.emplace_back(one.name);
  const std::string near = nearest(key, known);
  fail(
      ErrorKind::kConfig, {.file = "sweep", .field = printable(key, 40)}, "no such setting",
      "a key of the recipe",
      near.empty() ? "lora-train --help-recipe lists them" : fmt::format("did you mean {}?", near));
}

std::string safe(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-';
    out += plain ? c : '.';
  }
  return out.substr(0, 60);
}

std::string part_of_name(const std::string& key, const std::string& value) {
  if (key == "rank") return "r" + safe(value);
  if (key == "seed") return "s" + safe(value);
  if (key == "learning_rate") return "lr" + safe(value);
  return safe(key) + "." + safe(value);
}

// Indices of the runs that are made: all, or those drawn.
std::vector<int64_t> chosen(const Sweep& sweep, int64_t total) {
  std::vector<int64_t> order(static_cast<size_t>(total));
  std::iota(order.begin(), order.end(), 0);
  if (sweep.runs == 0) return order;
  RandomStream random(stream_key(sweep.seed, "sweep"));
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  order.resize(static_cast<size_t>(sweep.runs));
  std::ranges::sort(order);
  return order;
}

int64_t combinations(const Sweep& sweep) {
  int64_t total = sweep.axes.empty() ? 0 : 1;
  for (const SweepAxis& axis : sweep.axes) {
    total = std::min(kMostRuns + 1, total * std::ssize(axis.values));
  }
  if (total == 0) {
    fail(ErrorKind::kUsage, {.file = "sweep", .field = "axes"}, "no runs",
         "settings with several values", "for example --ranks 4,8,16");
  }
  if (total > kMostRuns) {
    fail(ErrorKind::kUsage, {.file = "sweep", .field = "axes"},
         fmt::format("more than {} combinations", kMostRuns), "fewer");
  }
  if (sweep.runs > total) {
    fail(ErrorKind::kUsage, {.file = "sweep", .field = "runs"}, fmt::format("{}", sweep.runs),
         fmt::format("at most {}, the combinations that there are", total));
  }
  return total;
}

PlannedRun run_at(const Sweep& sweep, int64_t index) {
  PlannedRun run;
  RecipeSources sources = sweep.base;
  for (auto axis = sweep.axes.rbegin(); axis != sweep.axes.rend(); ++axis) {
    const auto count = std::ssize(axis->values);
    run.values.emplace_back(axis->key, axis->values[static_cast<size_t>(index % count)]);
    index /= count;
  }
  std::ranges::reverse(run.values);
  for (const auto& [key, value] : run.values) {
    sources.settings.push_back(key + "=" + value);
    const std::string part = part_of_name(key, value);
    run.name += run.name.empty() ? part : "-" + part;
  }
  run.recipe = load_recipe(sources);
  return run;
}

}  // namespace

Sweep read_sweep(const std::string& yaml, const std::string& file) {
  Fields fields(Document::parse_yaml(yaml, file));
  Sweep sweep;
  if (fields.has("config")) sweep.base.config = fields.string("config");
  if (fields.has("recipe")) {
    Fields recipe = fields.object("recipe");
    for (const std::string& key : recipe.keys()) {
      require_key(key);
      sweep.base.settings.push_back(key + "=" + setting_text(recipe.raw(key)));
    }
  }
  if (fields.has("axes")) {
    Fields axes = fields.object("axes");
    for (const std::string& key : axes.keys()) set_axis(sweep, {key, axis_values(axes, key)});
  }
  if (fields.has("runs")) sweep.runs = fields.integer("runs", {.min = 1, .max = kMostRuns});
  if (fields.has("seed")) sweep.seed = static_cast<uint64_t>(fields.integer("seed", {.min = 0}));
  fields.finish();
  return sweep;
}

void set_axis(Sweep& sweep, SweepAxis axis) {
  require_key(axis.key);
  const std::set<std::string> distinct(axis.values.begin(), axis.values.end());
  if (axis.values.empty() || distinct.size() != axis.values.size()) {
    fail(ErrorKind::kUsage, {.file = "sweep", .field = axis.key},
         axis.values.empty() ? "no values" : "a value twice", "each value once");
  }
  const auto same = std::ranges::find(sweep.axes, axis.key, &SweepAxis::key);
  if (same == sweep.axes.end()) {
    sweep.axes.push_back(std::move(axis));
  } else {
    *same = std::move(axis);
  }
}

std::vector<std::string> list_items(const std::string& flag, const std::string& text) {
  std::vector<std::string> items;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    items.push_back(text.substr(begin, end - begin));
    if (items.back().find_first_not_of(' ') == std::string::npos) {
      fail(ErrorKind::kUsage, {.file = flag, .field = {}},
           fmt::format("an empty item in \"{}\"", printable(text, 60)),
           "values with one comma between them");
    }
    begin = end + 1;
  }
  return items;
}

std::vector<PlannedRun> plan_runs(const Sweep& sweep) {
  std::vector<PlannedRun> runs;
  std::set<std::string> names;
  for (const int64_t index : chosen(sweep, combinations(sweep))) {
    runs.push_back(run_at(sweep, index));
    PlannedRun& run = runs.back();
    // Values that differ only in signs that a folder's name does not hold.
    if (!names.insert(run.name).second) run.name += fmt::format("-{}", index);
    names.insert(run.name);
  }
  return runs;
}

std::string plan_digest(const std::vector<PlannedRun>& runs) {
  Sha256 hash;
  for (const PlannedRun& run : runs) {
    hash.update(run.name).update("\n").update(to_yaml(run.recipe)).update("\n");
  }
  return hash.hex();
}

std::string values_text(const std::vector<std::pair<std::string, std::string>>& values) {
  std::string text;
  for (const auto& [key, value] : values) text += (text.empty() ? "" : ", ") + key + " " + value;
  return text.empty() ? "all" : text;
}

std::string value_of(const PlannedRun& run, const std::string& key) {
  const auto found =
      std::ranges::find(run.values, key, [](const auto& pair) { return pair.first; });
  return found == run.values.end() ? "" : found->second;
}

}  // namespace telora
