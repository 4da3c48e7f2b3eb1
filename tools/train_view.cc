#include "tools/train_view.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <numeric>

#include "tools/interrupt.h"

namespace telora {

namespace {

// The balanced accuracy stands beside the plain one: a constant answer shows at once.
std::string evaluation_line(const EvaluationRecord& record) {
  std::string line = fmt::format("  step {:>4}  epoch {:.2f}  validation loss {:.4f}", record.step,
                                 record.epoch, record.loss);
  if (const auto& accuracy = record.selection_accuracy) {
    line += fmt::format("  selection accuracy {:.1f} %", 100 * *accuracy);
  }
  if (const auto& balanced = record.balanced_accuracy) {
    line += fmt::format(", balanced {:.1f} %", 100 * *balanced);
  }
  if (const auto& rotated = record.rotated_accuracy) {
    line += fmt::format("  options moved: accuracy {:.1f} %", 100 * *rotated);
  }
  return line + (record.best ? "  best" : "");
}

std::string value_of(const std::vector<std::pair<std::string, std::string>>& lines,
                     const std::string& key) {
  for (const auto& [name, value] : lines) {
    if (name == key) return value;
  }
  return {};
}

}  // namespace

std::vector<std::string> run_names(const std::vector<RunRequest>& requests) {
  std::vector<std::string> names;
  for (const RunRequest& request : requests) {
    const std::filesystem::path folder = request.out.lexically_normal();
    names.push_back((folder.has_filename() ? folder : folder.parent_path()).filename().string());
  }
  return names;
}

TrainView::TrainView(Console& console, const std::vector<RunRequest>& requests)
    : console_(console),
      names_(run_names(requests)),
      done_(requests.size()),
      totals_(requests.size(), -1) {}

std::vector<RunWatcher> TrainView::watchers() {
  std::vector<RunWatcher> watchers(names_.size());
  for (size_t run = 0; run < watchers.size(); ++run) {
    RunWatcher& watcher = watchers[run];
    watcher.on_header = [this, run](const Header& lines) { header(run, lines); };
    watcher.on_note = [](const std::string& text) { spdlog::info("{}", text); };
    watcher.on_progress = [this, run](const std::string& stage, int64_t done, int64_t total) {
      console_.progress({.stage = named(stage, run), .step = done, .total = total});
      if (done == total) console_.finish();
    };
    watcher.on_step = [this, run](const StepRecord& r, int64_t total) { step(run, r, total); };
    watcher.on_evaluation = [this, run](const EvaluationRecord& r) { evaluation(run, r); };
    watcher.stop_asked = [] { return caught_signal() != 0; };
  }
  return watchers;
}

// The scores of the base are everybody's.
std::string TrainView::named(const std::string& stage, size_t run) const {
  return several() && stage != "score base" ? stage + " " + names_[run] : stage;
}

// What the runs share is said once.
void TrainView::header(size_t run, const Header& lines) {
  if (!several()) return console_.header(lines);
  if (run == 0) console_.header({{"backbone", value_of(lines, "backbone")}});
  if (data_shown_.insert(value_of(lines, "data")).second) {
    Header shared;
    for (const char* key : {"data", "rows", "tokens"})
      shared.emplace_back(key, value_of(lines, key));
    console_.header(shared);
  }
  console_.header(
      {{names_[run], fmt::format("{}; steps {}; {}", value_of(lines, "adapter"),
                                 value_of(lines, "steps"), value_of(lines, "folder"))}});
}

// Until a run has taken a step, it is thought to be as long as the one that has.
void TrainView::step(size_t run, const StepRecord& record, int64_t total) {
  done_[run] = record.step;
  totals_[run] = total;
  int64_t all = 0;
  for (const int64_t known : totals_) all += known < 0 ? total : known;
  console_.progress({.stage = "train",
                     .step = std::accumulate(done_.begin(), done_.end(), int64_t{0}),
                     .total = all,
                     .item = several() ? names_[run] : "",
                     .loss = record.loss,
                     .lr = record.lr,
                     .tokens_per_second = record.tokens_per_second});
  if (!several() && record.step == total) console_.finish();
}

void TrainView::evaluation(size_t run, const EvaluationRecord& record) {
  console_.line((several() ? "  " + names_[run] : "") + evaluation_line(record));
}

}  // namespace telora
