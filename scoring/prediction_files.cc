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
  const std::string middle = file.substr(kBegin.size(), file.size() - kBegin.size() - kEnd.size());
  if (middle.empty()) return kOwn;
  return middle.size() > 1 && middle[0] == '-' ? middle.substr(1) : "";
}

[[noreturn]] void none(const std::string& where) {
  fail(ErrorKind::kMissing, {.file = where, .field = {}}, "no predictions",
       "predictions.jsonl or predictions-NAME.jsonl",
       "score with lora-eval run --out, or name the file");
}

std::string names_of(const std::vector<PredictionFile>& files, const std::string& folder) {
  std::vector<std::string> names;
  for (const PredictionFile& file : files) names.push_back(printable(folder + ":" + file.name));
  return fmt::format("{}", fmt::join(names, ", "));
}

fs::path file_in(const std::string& folder) {
  const std::vector<PredictionFile> files = prediction_files(folder);
  std::vector<PredictionFile> candidates;
  for (const PredictionFile& file : files) {
    if (file.name == kOwn) return file.path;
    if (file.name != kBaseName) candidates.push_back(file);
  }
  if (candidates.empty()) candidates = files;
  if (candidates.size() == 1) return candidates.front().path;
  fail(ErrorKind::kUsage, {.file = printable(folder), .field = {}},
       fmt::format("{} predictions files", candidates.size()),
       fmt::format("one of {}", names_of(files, folder)));
}

fs::path file_of(const std::string& folder, const std::string& name) {
  const std::vector<PredictionFile> files = prediction_files(folder);
  const auto found = std::ranges::find(files, name, &PredictionFile::name);
  if (found != files.end()) return found->path;
  fail(ErrorKind::kMissing, {.file = printable(folder), .field = {}},
       "no predictions of " + printable(name), fmt::format("one of {}", names_of(files, folder)));
}

fs::path find_file(const std::string& where) {
  if (fs::is_directory(where)) return file_in(where);
  if (fs::exists(where)) return where;
  const size_t colon = where.rfind(':');
  if (colon == std::string::npos || !fs::is_directory(where.substr(0, colon))) none(where);
  return file_of(where.substr(0, colon), where.substr(colon + 1));
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

std::vector<PredictionFile> prediction_files(const std::filesystem::path& folder) {
  std::vector<PredictionFile> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::string name = maker(entry.path().filename().string());
    if (!name.empty()) files.push_back({std::move(name), entry.path()});
  }
  if (files.empty()) none(folder.string());
  std::ranges::sort(files, {}, [](const PredictionFile& file) {
    return std::pair(file.name != kBaseName, file.name);
  });
  return files;
}

std::vector<Prediction> find_predictions(const std::string& where) {
  std::vector<Prediction> predictions = read_predictions(find_file(where));
  check(where, predictions);
  return predictions;
}

}  // namespace telora
