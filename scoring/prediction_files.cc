#include "scoring/prediction_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_set>

#include "core/error.h"
#include "scoring/build_report.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

constexpr const char* kOwn = "adapter";  // who made predictions.jsonl

// Empty where the file is none of predictions.
std::string maker(const std::string& file) {
  constexpr std::string_view kBegin = "predictions", kEnd = ".jsonl";
  if (!file.starts_with(kBegin) || !file.ends_with(kEnd)) return {};
  std::string name = file.substr(kBegin.size(), file.size() - kBegin.size() - kEnd.size());
  if (!name.empty() && name[0] != '-') return {};
  for (const std::string_view part : {"-train", "-validation", "-test"}) {
    if (name.ends_with(part)) name.resize(name.size() - part.size());
  }
  return name.empty() ? kOwn : name.substr(1);
}

[[noreturn]] void none(const std::string& where) {
  fail(ErrorKind::kMissing, {.file = where, .field = {}}, "no predictions",
       "predictions.jsonl or predictions-NAME.jsonl",
       "score with lora-eval run --out, or name the file");
}

std::string names_of(const std::vector<PredictionFiles>& all, const std::string& folder) {
  std::vector<std::string> names;
  for (const PredictionFiles& files : all) names.push_back(printable(folder + ":" + files.name));
  return fmt::format("{}", fmt::join(names, ", "));
}

PredictionFiles only_one(const std::string& folder) {
  const std::vector<PredictionFiles> all = prediction_files(folder);
  std::vector<PredictionFiles> others;
  for (const PredictionFiles& files : all) {
    if (files.name == kOwn) return files;
    if (files.name != kBaseName) others.push_back(files);
  }
  if (others.empty()) others = all;
  if (others.size() == 1) return others.front();
  fail(ErrorKind::kUsage, {.file = printable(folder), .field = {}},
       fmt::format("predictions of {} subjects", others.size()),
       fmt::format("one of {}", names_of(all, folder)));
}

PredictionFiles named(const std::string& folder, const std::string& name) {
  const std::vector<PredictionFiles> all = prediction_files(folder);
  const auto found = std::ranges::find(all, name, &PredictionFiles::name);
  if (found != all.end()) return *found;
  fail(ErrorKind::kMissing, {.file = printable(folder), .field = {}},
       "no predictions of " + printable(name), fmt::format("one of {}", names_of(all, folder)));
}

PredictionFiles find_files(const std::string& where) {
  if (fs::is_directory(where)) return only_one(where);
  if (fs::exists(where)) return {where, {where}};
  const size_t colon = where.rfind(':');
  if (colon == std::string::npos || !fs::is_directory(where.substr(0, colon))) none(where);
  return named(where.substr(0, colon), where.substr(colon + 1));
}

void check(const std::string& where, const std::vector<Prediction>& predictions) {
  if (predictions.empty()) none(where);
  std::unordered_set<std::string_view> ids;
  for (const Prediction& p : predictions) {
    if (ids.insert(p.id).second) continue;
    fail(ErrorKind::kData, {.file = where, .field = "id"},
         fmt::format("\"{}\" twice", printable(p.id)), "each question once",
         "was a file appended to another?");
  }
}

}  // namespace

std::vector<PredictionFiles> prediction_files(const std::filesystem::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) paths.push_back(entry.path());
  std::ranges::sort(paths);  // a folder's own order is any
  std::vector<PredictionFiles> all;
  for (const fs::path& path : paths) {
    const std::string name = maker(path.filename().string());
    if (name.empty()) continue;
    const auto known = std::ranges::find(all, name, &PredictionFiles::name);
    (known == all.end() ? all.emplace_back(PredictionFiles{name}) : *known).paths.push_back(path);
  }
  if (all.empty()) none(folder.string());
  std::ranges::sort(all, {}, [](const PredictionFiles& files) {
    return std::pair(files.name != kBaseName, files.name);
  });
  return all;
}

std::vector<Prediction> read_files(const PredictionFiles& files) {
  std::vector<Prediction> all;
  for (const fs::path& path : files.paths) {
    for (Prediction& prediction : read_predictions(path)) all.push_back(std::move(prediction));
  }
  check(files.paths.front().string(), all);
  return all;
}

std::vector<Prediction> find_predictions(const std::string& where) {
  return read_files(find_files(where));
}

}  // namespace telora
