#include "eval/score_adapters.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "adapters/adapter_mix.h"
#include "adapters/adapter_trust.h"
#include "adapters/lora_adapter.h"
#include "backbone/backbone.h"
#include "backbone/device.h"
#include "backbone/torch.h"
#include "core/memory.h"
#include "core/resources.h"
#include "data/source.h"
#include "data/split.h"
#include "eval/encode.h"
#include "eval/evaluate.h"
#include "scoring/evaluation_summary.h"

namespace telora {

namespace {

constexpr size_t kMostTogether = 4;  // adapters in one pass: each has keys and values of its own

const std::vector<size_t>& part_of(const Split& split, const std::string& name) {
  if (name == "train") return split.train;
  if (name == "validation") return split.validation;
  if (name == "test") return split.test;
  fail(ErrorKind::kUsage, {"--split", ""}, "'" + name + "'", "train, validation or test");
}

// "predictions-base.jsonl", "predictions-<last folder name>.jsonl"
std::filesystem::path predictions_file(const std::string& folder, const std::string& subject) {
  const std::filesystem::path path(subject);
  const std::string name = path.has_filename() ? path.filename() : path.parent_path().filename();
  return std::filesystem::path(folder) / ("predictions-" + name + ".jsonl");
}

class Scoring {
 public:
  explicit Scoring(const ScoreRequest& request)
      : request_(request),
        category_(find_category(request.category)),
        data_(load_category(
            find_source(request.data.empty() ? std::nullopt : std::optional(request.data)),
            category_)),
        split_(make_split(data_.examples, category_, request.split_method,
                          static_cast<uint64_t>(request.split_seed))),
        backbone_(load_backbone(request.backbone, frozen_type(request.precision),
                                request.chat_template, open_device(request.device))),
        encoded_(encode()) {
    keep_freed_memory();
  }

  Report run() {
    Report report = begin_report();
    // Before anything is scored, which takes minutes: a bad one shows at once.
    std::vector<LoraAdapter> adapters;
    for (const AdapterFile& file : read_adapters())
      adapters.push_back(LoraAdapter::from_file(file));
    std::vector<Subject> subjects{{"base", nullptr}};
    for (size_t i = 0; i < adapters.size(); ++i)
      subjects.push_back({request_.adapters[i], &adapters[i]});
    const std::vector<Evaluation> scored = score_all(subjects);
    for (size_t i = 0; i < subjects.size(); ++i) {
      add_subject(subjects[i].name, scored[i], report);
      if (i > 0) add_comparisons(scored[0], subjects[i].name, scored[i], report);
    }
    if (!request_.out.empty()) write_results(report);
    return report;
  }

 private:
  std::vector<EncodedExample> encode() {
    const Stopwatch watch;
    auto encoded = ExampleEncoder(category_, backbone_, category_.max_length)
                       .encode_all(data_.examples, part_of(split_, request_.part));
    summary_.encode_seconds = watch.seconds();
    for (const EncodedExample& example : encoded)
      summary_.prompt_tokens += std::ssize(example.prompt);
    summary_.questions = std::ssize(encoded);
    return encoded;
  }

  std::vector<AdapterFile> read_adapters() const {
    std::vector<AdapterFile> files;
    for (const std::string& folder : request_.adapters) {
      files.push_back(read_adapter(folder, linear_modules(backbone_.decoder.spec())));
      if (request_.accept_risk) continue;
      require_trust(folder, files.back(), backbone_.weights_digest,
                    "--accept-risk scores it anyway");
    }
    return files;
  }

  Report begin_report() const {
    Report report;
    report.category = category_.name;
    report.backbone = request_.backbone;
    report.parser = category_.parser;
    report.split_method = split_.method;
    report.split_seed = static_cast<int64_t>(split_.seed);
    report.rows = {static_cast<int64_t>(split_.train.size()),
                   static_cast<int64_t>(split_.validation.size()),
                   static_cast<int64_t>(split_.test.size())};
    report.part = request_.part;
    report.majority = request_.majority;
    report.baselines =
        shortcut_baselines(category_.kind, examples_at(data_.examples, split_.train),
                           examples_at(data_.examples, part_of(split_, request_.part)));
    return report;
  }

  struct Subject {
    std::string name;
    LoraAdapter* adapter = nullptr;  // none: the base as it is
  };

  EvaluationOptions options_of(const std::string& names) const {
    EvaluationOptions options;
    options.selection = request_.selection;
    options.majority = request_.majority;
    options.max_new_tokens =
        request_.max_new_tokens > 0 ? request_.max_new_tokens : category_.max_new_tokens;
    options.tokens_per_pass = request_.tokens_per_pass;
    options.part = request_.part;
    options.split_method = split_.method;
    options.split_seed = static_cast<int64_t>(split_.seed);
    options.progress = [this, names](int64_t done) {
      if (request_.progress) request_.progress(names, done, summary_.questions);
    };
    return options;
  }

  // In groups that share their passes, where they can; otherwise one after the other.
  std::vector<Evaluation> score_all(const std::vector<Subject>& subjects) {
    std::vector<Evaluation> all;
    for (size_t begin = 0; begin < subjects.size(); begin += kMostTogether) {
      const std::span group =
          std::span(subjects).subspan(begin, std::min(kMostTogether, subjects.size() - begin));
      for (Evaluation& one : score_group(group)) all.push_back(std::move(one));
    }
    return all;
  }

  std::vector<Evaluation> score_group(std::span<const Subject> group) {
    std::vector<LoraAdapter*> adapters;
    for (const Subject& subject : group) adapters.push_back(subject.adapter);
    if (group.size() == 1 || !AdapterMix::possible(backbone_.decoder, adapters))
      return score_in_turn(group);
    const AdapterMix mix(backbone_.decoder, adapters);
    const std::string names = fmt::format("{} and {} more", group.front().name, group.size() - 1);
    return evaluate_attached(backbone_, category_, data_.examples, encoded_, options_of(names),
                             group.size());
  }

  std::vector<Evaluation> score_in_turn(std::span<const Subject> group) {
    std::vector<Evaluation> all;
    for (const auto& [name, adapter] : group) {
      if (adapter) adapter->attach(backbone_.decoder);
      all.push_back(evaluate(backbone_, category_, data_.examples, encoded_, options_of(name)));
      LoraAdapter::detach(backbone_.decoder);
    }
    return all;
  }

  void add_subject(const std::string& name, const Evaluation& evaluation, Report& report) {
    report.subjects.push_back({name, evaluation.scores()});
    summary_.subjects.push_back({name, evaluation.seconds});
    if (!request_.out.empty())
      write_predictions(predictions_file(request_.out, name), evaluation.predictions);
  }

  void add_comparisons(const Evaluation& base, const std::string& folder, const Evaluation& adapted,
                       Report& report) const {
    const auto add = [&](const std::string& metric, bool Prediction::*right) {
      report.comparisons.push_back(
          compare(metric, "base", base.predictions, folder, adapted.predictions, right));
    };
    add(kGenerated, &Prediction::correct);
    if (request_.majority.samples > 0) add(adapted.voted.name, &Prediction::voted_correct);
  }

  void write_results(const Report& report) {
    const std::filesystem::path out(request_.out);
    summary_.peak_rss_bytes = peak_rss_bytes();
    write_summary(out / "summary.json", summary_);
    write_report(out / "report.json", report);
  }

  const ScoreRequest& request_;
  const Category& category_;
  DataSet data_;
  Split split_;
  Backbone backbone_;
  EvaluationSummary summary_;
  std::vector<EncodedExample> encoded_;
};

}  // namespace

Report score_adapters(const ScoreRequest& request) { return Scoring(request).run(); }

}  // namespace telora
