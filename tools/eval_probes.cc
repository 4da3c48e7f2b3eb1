#include "tools/eval_probes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <functional>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "core/error.h"
#include "data/source.h"
#include "data/split.h"
#include "scoring/free_baselines.h"
#include "scoring/statistics.h"
#include "tools/command_line.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;  // of the JSON

struct ProbeFlags {
  std::string category, data, method = "all";
  uint64_t seed = kDefaultSplitSeed;
  bool json = false;
};

// One way of splitting a category, and what costs nothing on its test part.
struct SplitProbes {
  Split split;
  std::vector<Baseline> baselines;
};

struct CategoryProbes {
  const Category* category;
  DataSet data;
  std::vector<double> gold;
  std::vector<Baseline> full;  // of all rows; without what is trained
  std::vector<SplitProbes> splits;
};

std::vector<std::string> methods_of(const ProbeFlags& flags) {
  return flags.method == "all" ? split_methods() : std::vector<std::string>{flags.method};
}

SplitProbes probe_split(const Category& category, const std::vector<Example>& rows,
                        const std::string& method, uint64_t seed) {
  Split split = make_split(rows, category, method, seed);
  std::vector<Baseline> baselines =
      free_baselines(category, examples_at(rows, split.train), examples_at(rows, split.validation),
                     examples_at(rows, split.test));
  return {std::move(split), std::move(baselines)};
}

// Calls `work(0)` … `work(count - 1)`, on every core; each writes apart from the others.
void in_parallel(size_t count, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next = 0;
  const auto take = [&] {
    for (size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::future<void>> workers;
  const size_t cores = std::max(1U, std::thread::hardware_concurrency());
  for (size_t i = 0; i < std::min(cores, count); ++i) {
    workers.push_back(std::async(std::launch::async, take));
  }
  for (std::future<void>& worker : workers) worker.get();
}

CategoryProbes probe_category(const Category& category, DataSet data, const ProbeFlags& flags) {
  CategoryProbes result{&category, std::move(data), {}, {}, {}};
  const std::vector<Example>& rows = result.data.examples;
  result.gold = gold_shares(rows);
  result.full = untrained_baselines(category, rows, rows);
  const std::vector<std::string> methods = methods_of(flags);
  result.splits.resize(methods.size());
  in_parallel(methods.size(), [&](size_t i) {
    result.splits[i] = probe_split(category, rows, methods[i], flags.seed);
  });
  return result;
}

// Nothing where the folder, or the sample, has no rows of the category.
std::optional<DataSet> load_if_there(const DataSource& source, const Category& category) {
  if (!source.sample && !find_data_file(source.folder, category)) return std::nullopt;
  try {
    return load_category(source, category);
  } catch (const Error& error) {
    if (!source.sample || error.kind() != ErrorKind::kUsage) throw;
    return std::nullopt;
  }
}

Interval interval_of(const Baseline& b) {
  return wilson(std::llround(b.expected), b.n);  // ties may make the count a fraction
}

Json to_value(const Baseline& b) {
  const Interval interval = interval_of(b);
  Json value = {{"name", b.name},
                {"expected_correct", b.expected},
                {"n", b.n},
                {"rate", b.rate()},
                {"wilson_95", {interval.low, interval.high}}};
  if (!b.detail.empty()) value["detail"] = b.detail;
  return value;
}

Json to_value(const std::vector<Baseline>& baselines) {
  Json values = Json::array();
  for (const Baseline& b : baselines) values.push_back(to_value(b));
  return values;
}

Json to_value(const SplitProbes& probes) {
  const Split& split = probes.split;
  return {{"method", split.method},
          {"seed", split.seed},
          {"digest", split_digest(split)},
          {"rows",
           {{"training", split.train.size()},
            {"validation", split.validation.size()},
            {"test", split.test.size()}}},
          {"a0", best_of(probes.baselines).name},
          {"baselines", to_value(probes.baselines)}};
}

Json to_value(const CategoryProbes& probes) {
  Json splits = Json::array();
  for (const SplitProbes& split : probes.splits) splits.push_back(to_value(split));
  return {{"name", probes.category->name},     {"rows", probes.data.examples.size()},
          {"sha256", probes.data.sha256},      {"gold_shares", probes.gold},
          {"all_rows", to_value(probes.full)}, {"splits", splits}};
}

// "best constant answer" whatever the answer: it need not be the same in every column.
std::string label_of(const Baseline& b) {
  return b.name.starts_with("best constant") ? "best constant answer" : b.name;
}

std::string heading(const CategoryProbes& probes) {
  std::string text =
      fmt::format("\n{} · {} rows", probes.category->name, probes.data.examples.size());
  if (probes.category->kind == TaskKind::kLetters) {
    text += " · right answers";
    for (size_t i = 0; i < probes.gold.size(); ++i) {
      text += fmt::format(" {} {:.1f}", static_cast<char>('A' + i), 100 * probes.gold[i]);
    }
  }
  text += fmt::format("\n  {:<34}{:>8}", "", "all rows");
  for (const SplitProbes& split : probes.splits) {
    text += fmt::format("{:>14}", split.split.method);
  }
  return text + "\n";
}

std::string cell(const Baseline& b, bool best) {
  const Interval interval = interval_of(b);
  const std::string bounds =
      fmt::format("[{:.0f}-{:.0f}]", 100 * interval.low, 100 * interval.high);
  return fmt::format("{:>6.2f}{}{:>7}", 100 * b.rate(), best ? '*' : ' ', bounds);
}

std::string line(const CategoryProbes& probes, size_t index) {
  const bool untrained = index < probes.full.size();
  std::string text = fmt::format("  {:<34}", label_of(probes.splits.front().baselines[index]));
  text += untrained ? fmt::format("{:>8.2f}", 100 * probes.full[index].rate())
                    : fmt::format("{:>8}", "-");
  for (const SplitProbes& split : probes.splits) {
    const Baseline& b = split.baselines.at(index);
    text += cell(b, &b == &best_of(split.baselines));
  }
  return text + "\n";
}

std::string table(const CategoryProbes& probes) {
  std::string text = heading(probes);
  const size_t count = probes.splits.front().baselines.size();
  for (size_t i = 0; i < count; ++i) text += line(probes, i);
  return text;
}

void print_notes(const std::vector<std::string>& absent, const std::string& folder, uint64_t seed) {
  for (const std::string& name : absent) fmt::print("\n{} · absent from {}\n", name, folder);
  fmt::print(
      "\nPercent right, with the 95 % Wilson interval. Columns: all rows, then the test part of "
      "each "
      "split\n(seed {}). * marks A₀, the best of what costs nothing.\n",
      seed);
}

std::vector<const Category*> wanted(const ProbeFlags& flags) {
  if (!flags.category.empty()) return {&find_category(flags.category)};
  std::vector<const Category*> all;
  for (const Category& category : categories()) all.push_back(&category);
  return all;
}

int run(const ProbeFlags& flags) {
  const DataSource source =
      find_source(flags.data.empty() ? std::nullopt : std::optional(flags.data));
  const std::string folder = source.sample ? "the sample" : source.folder.string();
  Json values = Json::array();
  std::vector<std::string> absent;
  const std::vector<const Category*> asked = wanted(flags);
  for (const Category* category : asked) {
    // A category that was asked for by name must be there: load_category says what to do.
    std::optional<DataSet> data = flags.category.empty()
                                      ? load_if_there(source, *category)
                                      : std::optional(load_category(source, *category));
    if (!data) {
      absent.push_back(category->name);
      continue;
    }
    const CategoryProbes probes = probe_category(*category, std::move(*data), flags);
    if (flags.json) {
      values.push_back(to_value(probes));
    } else {
      fmt::print("{}", table(probes));
      std::fflush(stdout);
    }
  }
  if (absent.size() == asked.size()) {
    fail(ErrorKind::kMissing, {.file = folder, .field = {}}, "no file of any category",
         "the ot-full files", "name their folder with --data DIR, or try --data sample");
  }
  if (flags.json) {
    const Json report = {{"probes_version", kVersion}, {"categories", values}, {"absent", absent}};
    fmt::print("{}\n", report.dump(2));
  } else {
    print_notes(absent, folder, flags.seed);
  }
  return 0;
}

}  // namespace

Subcommand add_eval_probes(CLI::App& app) {
  const auto flags = std::make_shared<ProbeFlags>();
  CLI::App* command = app.add_subcommand(
      "probes", "What answers without a model score: constants, rules and small trained probes");
  command->add_option("--category", flags->category, "One category (default: all that are there)");
  command->add_option("--data", flags->data, "Folder with the ot-full files, or 'sample'");
  std::vector<std::string> methods = split_methods();
  methods.push_back("all");
  command->add_option("--split-method", flags->method, fmt::format("{}", fmt::join(methods, ", ")))
      ->check(CLI::IsMember(methods))
      ->capture_default_str();
  command->add_option("--split-seed", flags->seed, "Seed of the split")->capture_default_str();
  command->add_flag("--json", flags->json, "For programs");
  return {command, [flags] { return run(*flags); }};
}

}  // namespace telora
