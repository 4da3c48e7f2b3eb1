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
#include "core/digest.h"
#include "core/memory.h"
#include "core/resources.h"
#include "data/answer_parser.h"
#include "data/source.h"
#include "data/split.h"
#include "eval/encode.h"
#include "eval/evaluate.h"
#include "eval/measure_cost.h"
#include "eval/rotations.h"
#include "eval/subject_names.h"
#include "scoring/build_report.h"
#include "scoring/evaluation_summary.h"
#include "scoring/report_data.h"
#include "scoring/report_page.h"

namespace telora {

namespace {

constexpr size_t kMostTogether = 4;  // adapters in one pass: each has keys and values of its own

std::vector<size_t> first_rows(std::vector<size_t> rows, int64_t limit) {
  if (limit > 0 && std::cmp_less(limit, rows.size())) rows.resize(static_cast<size_t>(limit));
  return rows;
}

class Scoring {
 public:
  explicit Scoring(const ScoreRequest& request)
      : request_(request),
        names_(subject_names(request.adapters)),
        category_(find_category(request.category)),
        data_(load_category(
            find_source(request.data.empty() ? std::nullopt : std::optional(request.data)),
            category_)),
        split_(make_split(data_.examples, category_, request.split_method,
                          static_cast<uint64_t>(request.split_seed),
                          rows_held_out(request.lite, category_, data_.examples))),
        backbone_(load_backbone(request.backbone, frozen_type(request.precision),
                                request.chat_template, open_device(request.device))) {
    keep_freed_memory();
    encode();
  }

  Report run() {
    // Before anything is scored, which takes minutes: a bad one shows at once.
    std::vector<LoraAdapter> adapters;
    for (const AdapterFile& file : read_adapters())
      adapters.push_back(LoraAdapter::from_file(file));
    std::vector<Scored> subjects{{kBaseName, nullptr}};
    for (size_t i = 0; i < adapters.size(); ++i)
      subjects.push_back({names_[i], &adapters[i], request_.adapters[i]});
    ReportInputs inputs = begin_report();
    for (const Scored& subject : subjects) inputs.subjects.push_back({.name = subject.name});
    for (const Part& part : parts_) score_part(part, subjects, inputs);
    if (request_.cost_queries > 0) add_costs(subjects, inputs);
    if (!request_.out.empty()) write_predictions_of(inputs);
    Report report = build_report(inputs);
    if (!request_.out.empty()) write_results(report);
    return report;
  }

 private:
  struct Scored {
    std::string name;
    LoraAdapter* adapter = nullptr;  // none: the base as it is
    std::string folder = {};
  };
  struct Part {
    std::string name;
    std::vector<size_t> rows;
    std::vector<EncodedExample> encoded;
  };

  void encode() {
    const Stopwatch watch;
    const ExampleEncoder encoder(category_, backbone_, category_.max_length);
    for (const std::string& name : request_.parts) {
      const auto same = [&](const Part& part) { return part.name == name; };
      if (std::ranges::any_of(parts_, same))
        fail(ErrorKind::kUsage, {"--split", ""}, name + " twice", "each part once");
      Part part{name, first_rows(part_of(split_, name), request_.limit), {}};
      part.encoded = encoder.encode_all(data_.examples, part.rows);
      for (const EncodedExample& example : part.encoded)
        summary_.prompt_tokens += std::ssize(example.prompt);
      summary_.questions += std::ssize(part.encoded);
      parts_.push_back(std::move(part));
    }
    summary_.encode_seconds = watch.seconds();
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

  ReportInputs begin_report() const {
    ReportInputs inputs;
    inputs.category = category_.name;
    inputs.backbone = request_.backbone;
    inputs.parser = category_.parser;
    inputs.parser_version = describe_answer_parser(category_.parser);
    inputs.split_method = split_.method;
    inputs.split_seed = static_cast<int64_t>(split_.seed);
    inputs.rows = {std::ssize(split_.train), std::ssize(split_.validation),
                   std::ssize(split_.test)};
    inputs.majority = request_.majority;
    inputs.digests = {{"data", data_.sha256},
                      {"split", split_digest(split_)},
                      {"backbone", backbone_.weights_digest},
                      {"tokenizer", backbone_.tokenizer.digest()}};
    for (size_t i = 0; i < names_.size(); ++i) {
      inputs.digests["adapter " + names_[i]] =
          sha256_file(std::filesystem::path(request_.adapters[i]) / "adapter_model.safetensors");
    }
    inputs.settings = {{"device", request_.device},
                       {"precision", request_.precision},
                       {"max_new_tokens", fmt::format("{}", max_new_tokens())},
                       {"chat_template", std::string(chat_template_name(backbone_.chat_format))}};
    if (request_.limit > 0)
      inputs.settings["rows"] = fmt::format("the first {} of each part", request_.limit);
    for (const Part& part : parts_)
      inputs.baselines.push_back(
          part_baselines(category_, data_.examples, split_, part.name, part.rows));
    return inputs;
  }

  int64_t max_new_tokens() const {
    return request_.max_new_tokens > 0 ? request_.max_new_tokens : category_.max_new_tokens;
  }

  EvaluationOptions options_of(const Part& part, const std::string& names) const {
    EvaluationOptions options;
    options.selection = request_.selection;
    options.rotate = request_.rotate;
    options.majority = request_.majority;
    options.max_new_tokens = max_new_tokens();
    options.tokens_per_pass = request_.tokens_per_pass;
    options.part = part.name;
    options.split_method = split_.method;
    options.split_seed = static_cast<int64_t>(split_.seed);
    const std::string stage = parts_.size() > 1 ? names + ", " + part.name : names;
    const int64_t total = std::ssize(part.rows) +
                          (request_.rotate ? rotated_questions(data_.examples, part.rows) : 0);
    options.progress = [this, stage, total](int64_t done) {
      if (request_.progress) request_.progress(stage, done, total);
    };
    return options;
  }

  // Subjects in groups that share their passes, where they can; otherwise one after the other.
  void score_part(const Part& part, std::span<const Scored> subjects, ReportInputs& inputs) {
    for (size_t begin = 0; begin < subjects.size(); begin += kMostTogether) {
      const std::span group =
          subjects.subspan(begin, std::min(kMostTogether, subjects.size() - begin));
      std::vector<Evaluation> scored = score_group(part, group);
      for (size_t i = 0; i < group.size(); ++i) {
        add_time(group[i].name, scored[i].seconds);
        inputs.subjects[begin + i].parts.push_back({part.name, std::move(scored[i].predictions)});
      }
    }
  }

  std::vector<Evaluation> score_group(const Part& part, std::span<const Scored> group) {
    std::vector<LoraAdapter*> adapters;
    for (const Scored& subject : group) adapters.push_back(subject.adapter);
    if (group.size() == 1 || !AdapterMix::possible(backbone_.decoder, adapters))
      return score_in_turn(part, group);
    const AdapterMix mix(backbone_.decoder, adapters);
    const std::string names = fmt::format("{} and {} more", group.front().name, group.size() - 1);
    return evaluate_attached(backbone_, category_, data_.examples, part.encoded,
                             options_of(part, names), group.size());
  }

  std::vector<Evaluation> score_in_turn(const Part& part, std::span<const Scored> group) {
    std::vector<Evaluation> all;
    for (const auto& [name, adapter, folder] : group) {
      if (adapter) adapter->attach(backbone_.decoder);
      all.push_back(
          evaluate(backbone_, category_, data_.examples, part.encoded, options_of(part, name)));
      LoraAdapter::detach(backbone_.decoder);
    }
    return all;
  }

  void add_costs(std::span<const Scored> subjects, ReportInputs& inputs) {
    for (size_t i = 0; i < subjects.size(); ++i) {
      const auto& [name, adapter, folder] = subjects[i];
      CostOptions options;
      options.queries = request_.cost_queries;
      options.max_new_tokens = max_new_tokens();
      options.progress = [&](int64_t done) {
        if (request_.progress) request_.progress("cost of " + name, done, request_.cost_queries);
      };
      if (adapter) options.adapter = folder, adapter->attach(backbone_.decoder);
      inputs.subjects[i].cost =
          measure_cost(backbone_, category_, data_.examples, parts_.front().encoded, options);
      LoraAdapter::detach(backbone_.decoder);
    }
  }

  void add_time(const std::string& name, double seconds) {
    const auto found = std::ranges::find(summary_.subjects, name, &SubjectTime::name);
    if (found != summary_.subjects.end()) {
      found->seconds += seconds;
    } else {
      summary_.subjects.push_back({name, seconds});
    }
  }

  // "predictions-base.jsonl", "predictions-<adapter>.jsonl", all parts in one file.
  void write_predictions_of(const ReportInputs& inputs) const {
    for (const SubjectInputs& subject : inputs.subjects) {
      std::vector<Prediction> all;
      for (const PartPredictions& part : subject.parts)
        all.insert(all.end(), part.predictions.begin(), part.predictions.end());
      write_predictions(std::filesystem::path(request_.out) /
                            ("predictions-" + file_name_of(subject.name) + ".jsonl"),
                        all);
    }
  }

  void write_results(const Report& report) {
    const std::filesystem::path out(request_.out);
    summary_.peak_rss_bytes = peak_rss_bytes();
    write_summary(out / "summary.json", summary_);
    write_report(out / "report.json", report);
    PageTexts texts;
    for (const Part& part : parts_)
      add_questions(category_, examples_at(data_.examples, part.rows), texts);
    publish(out / "report.html", render_page(report, texts));
  }

  const ScoreRequest& request_;
  std::vector<std::string> names_;  // of the adapters
  const Category& category_;
  DataSet data_;
  Split split_;
  Backbone backbone_;
  EvaluationSummary summary_;
  std::vector<Part> parts_;
};

}  // namespace

Report score_adapters(const ScoreRequest& request) { return Scoring(request).run(); }

}  // namespace telora
