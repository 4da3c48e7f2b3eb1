#include "scoring/gather.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/document.h"
#include "core/error.h"
#include "core/files.h"
#include "data/answer_parser.h"
#include "scoring/prediction_files.h"
#include "scoring/report_schema.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

std::string folder_name(const std::string& folder) {
  const fs::path path = fs::path(folder).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

std::string category_of(const Prediction& prediction) {
  return prediction.id.substr(0, prediction.id.rfind('/'));
}

// Where two lines must agree; the first line of all says what with.
void require_same(const std::string& file, const char* field, const std::string& found,
                  const std::string& wanted) {
  if (found == wanted) return;
  fail(ErrorKind::kData, {.file = file, .field = field}, printable(found, 80),
       fmt::format("{}, as of the lines before", printable(wanted, 80)),
       "report one category on one split with one parser");
}

void check_line(const std::string& file, const ReportInputs& inputs, const Prediction& p) {
  require_same(file, "id", category_of(p), inputs.category);
  require_same(file, "split_method", p.split_method, inputs.split_method);
  require_same(file, "split_seed", std::to_string(p.split_seed), std::to_string(inputs.split_seed));
  require_same(file, "parser", p.parser, inputs.parser);
}

void begin_with(ReportInputs& inputs, const Prediction& first) {
  if (!inputs.subjects.empty()) return;
  inputs.category = category_of(first);
  inputs.split_method = first.split_method;
  inputs.split_seed = first.split_seed;
  inputs.parser = first.parser;
}

std::vector<Prediction>& part_of(SubjectInputs& subject, const std::string& part) {
  const auto found = std::ranges::find(subject.parts, part, &PartPredictions::part);
  if (found != subject.parts.end()) return found->predictions;
  return subject.parts.emplace_back(part, std::vector<Prediction>{}).predictions;
}

void add_subject(const PredictionFiles& files, const std::string& name, ReportInputs& inputs) {
  std::vector<Prediction> predictions = read_files(files);
  begin_with(inputs, predictions.front());
  SubjectInputs& subject = inputs.subjects.emplace_back(SubjectInputs{name, {}});
  for (Prediction& p : predictions) {
    check_line(files.paths.front().string(), inputs, p);
    part_of(subject, p.split).push_back(std::move(p));
  }
}

bool has_base(const ReportInputs& inputs) {
  return std::ranges::find(inputs.subjects, kBaseName, &SubjectInputs::name) !=
         inputs.subjects.end();
}

void add_folder(const std::string& folder, bool several, ReportInputs& inputs) {
  for (const PredictionFiles& files : prediction_files(folder)) {
    const bool base = files.name == kBaseName;
    if (base && has_base(inputs)) continue;
    std::string name = files.name;
    if (several && !base) {
      name = name == "adapter" ? folder_name(folder) : folder_name(folder) + "/" + name;
    }
    add_subject(files, name, inputs);
  }
}

// Nothing if the folder has no report, or one of an older version, which is why it is made anew.
std::optional<Report> earlier_report(const fs::path& folder) {
  const fs::path path = folder / "report.json";
  if (!fs::exists(path)) return std::nullopt;
  Fields fields(Document::parse_json(read_text(path), path.string()));
  if (fields.integer("report_version", {.min = 1}) < kReportVersion) return std::nullopt;
  return read_report(path);
}

void take_facts(const Report& report, ReportInputs& inputs) {
  inputs.backbone = report.backbone;
  inputs.digests = report.digests;
  inputs.settings = report.settings;
  inputs.rows = report.rows;
  inputs.majority = report.majority;
  for (const PartBaselines& part : report.baselines) {
    inputs.baselines.push_back({part.part, part.baselines});
  }
  for (SubjectInputs& subject : inputs.subjects) {
    const auto found = std::ranges::find(report.subjects, subject.name, &Subject::name);
    if (found != report.subjects.end()) subject.cost = found->cost;
  }
}

// What a finished run says of itself.
void take_manifest(const fs::path& folder, ReportInputs& inputs) {
  const fs::path path = folder / "telora.json";
  if (!fs::exists(path)) return;
  Fields fields(Document::parse_json(read_text(path), path.string()));
  inputs.backbone = fields.string("backbone");
  Fields digests = fields.object("sha256");
  for (const std::string& name : digests.keys()) inputs.digests[name] = digests.string(name);
}

int64_t most_rows(const ReportInputs& inputs, const std::string& part) {
  size_t most = 0;
  for (const SubjectInputs& subject : inputs.subjects) {
    for (const PartPredictions& p : subject.parts) {
      if (p.part == part) most = std::max(most, p.predictions.size());
    }
  }
  return static_cast<int64_t>(most);
}

void count_rows(ReportInputs& inputs) {
  PartCounts& rows = inputs.rows;
  if (rows.training + rows.validation + rows.test > 0) return;
  rows = {most_rows(inputs, "train"), most_rows(inputs, "validation"), most_rows(inputs, "test")};
}

std::vector<Baseline> baselines_in_hindsight(const std::vector<Prediction>& predictions) {
  std::map<std::string, double> golds;
  Baseline chance{"chance", 0, std::ssize(predictions)};
  for (const Prediction& p : predictions) {
    golds[p.gold] += 1;
    if (p.options > 0) chance.expected += 1 / static_cast<double>(p.options);
  }
  const auto best =
      std::ranges::max_element(golds, {}, [](const auto& gold) { return gold.second; });
  return {{fmt::format("best constant answer, in hindsight ({})", printable(best->first, 40)),
           best->second, chance.n},
          chance};
}

void complete_baselines(ReportInputs& inputs) {
  for (const SubjectInputs& subject : inputs.subjects) {
    for (const PartPredictions& part : subject.parts) {
      const auto known = std::ranges::find(inputs.baselines, part.part, &BaselineInputs::part);
      if (known != inputs.baselines.end()) continue;
      inputs.baselines.push_back({part.part, baselines_in_hindsight(part.predictions)});
    }
  }
}

}  // namespace

ReportInputs gather_inputs(const std::vector<std::string>& folders) {
  ReportInputs inputs;
  for (const std::string& folder : folders) add_folder(folder, folders.size() > 1, inputs);
  if (const auto report = earlier_report(folders.front())) {
    take_facts(*report, inputs);
  } else {
    take_manifest(folders.front(), inputs);
  }
  inputs.parser_version = describe_answer_parser(inputs.parser);
  count_rows(inputs);
  complete_baselines(inputs);
  return inputs;
}

}  // namespace telora
