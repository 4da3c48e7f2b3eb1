#include "tools/train_summary.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/interrupt.h"
#include "tools/main_guard.h"
#include "tools/next_command.h"
#include "tools/train_view.h"

namespace telora {

namespace {

std::string resume_command(const std::vector<std::filesystem::path>& folders,
                           const std::string& program) {
  std::string command = sibling_program(program, "lora-train");
  for (const auto& folder : folders) command += " --resume " + shell_word(folder.string());
  return command;
}

int interrupted(const std::vector<std::filesystem::path>& folders, const std::string& program) {
  fmt::print("interrupted; to go on from here:\n  {}\n", resume_command(folders, program));
  return 128 + caught_signal();
}

std::string share_text(const Report& report, const std::string& subject, const char* score) {
  const Score* found = find_score(report, subject, "test", score);
  return found == nullptr ? "–" : fmt::format("{:.1f} %", 100 * found->rate());
}

std::string best_text(const RunResult& result, const Recipe& recipe) {
  if (!result.best_value) return "–";
  return recipe.selection_metric == "loss" ? fmt::format("{:.4f}", *result.best_value)
                                           : fmt::format("{:.1f} %", 100 * *result.best_value);
}

std::string state_text(const RunResult& result) {
  if (result.end == RunEnd::kFailed) return "failed";
  return result.end == RunEnd::kInterrupted ? "interrupted" : std::to_string(result.steps);
}

std::string row(const std::string& name, const std::string& state, const std::string& step,
                const std::string& best, const std::string& selection,
                const std::string& generated) {
  return fmt::format("  {:<24}{:>12}{:>9}{:>12}{:>12}{:>12}\n", name, state, step, best, selection,
                     generated);
}

std::string base_row(const Report& report) {
  return row("base, " + report.category, "", "", "", share_text(report, kBaseName, kSelection),
             share_text(report, kBaseName, kGenerated));
}

std::string run_row(const std::string& name, const RunRequest& request, const RunResult& result) {
  if (result.end != RunEnd::kFinished) return row(name, state_text(result), "", "", "", "");
  const bool scored = result.report.has_value();
  return row(name, state_text(result), std::to_string(result.best_step),
             best_text(result, request.recipe),
             scored ? share_text(*result.report, "adapter", kSelection) : "–",
             scored ? share_text(*result.report, "adapter", kGenerated) : "–");
}

// One command a category: it scores all its adapters on the same questions.
std::vector<std::string> scoring_commands(const std::vector<RunRequest>& requests,
                                          const std::vector<RunResult>& results,
                                          const std::string& program) {
  std::vector<std::string> commands;
  std::vector<std::string> categories;
  for (size_t i = 0; i < requests.size(); ++i) {
    if (results[i].end != RunEnd::kFinished) continue;
    const std::string& category = requests[i].recipe.category;
    const auto known = std::ranges::find(categories, category);
    if (known != categories.end()) {
      commands[static_cast<size_t>(known - categories.begin())] +=
          " --adapter " + shell_word(results[i].folder.string());
      continue;
    }
    categories.push_back(category);
    commands.push_back(fmt::format("{} run {}", sibling_program(program, "lora-eval"),
                                   scoring_arguments(requests[i].recipe, results[i].folder)));
  }
  return commands;
}

}  // namespace

std::string comparison_table(const std::vector<RunRequest>& requests,
                             const std::vector<RunResult>& results) {
  const std::vector<std::string> names = run_names(requests);
  std::string table = row("", "steps", "best at", "validation", "selection", "generated");
  std::vector<std::string> categories;
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto& report = results[i].report;
    if (report && std::ranges::find(categories, report->category) == categories.end()) {
      categories.push_back(report->category);
      table += base_row(*report);
    }
    table += run_row(names[i], requests[i], results[i]);
  }
  return table;
}

int summarise(const RunRequest& request, const RunResult& result, const std::string& program) {
  if (result.end == RunEnd::kInterrupted) return interrupted({result.folder}, program);
  if (result.report) fmt::print("\n{}\n", render_table(*result.report));
  if (result.profile) fmt::print("{}\n", render_profile(*result.profile));
  fmt::print("adapter: {}  (step {} of {}{})\n",
             (result.folder / "adapter_model.safetensors").string(), result.best_step, result.steps,
             result.stopped_early ? ", stopped early" : "");
  fmt::print("next:    {} run {}\n", sibling_program(program, "lora-eval"),
             scoring_arguments(request.recipe, result.folder));
  return 0;
}

int summarise(const std::vector<RunRequest>& requests, const std::vector<RunResult>& results,
              const std::string& program) {
  const std::vector<std::string> names = run_names(requests);
  fmt::print("\n{}\n", comparison_table(requests, results));
  std::vector<std::filesystem::path> open;
  bool failed = false;
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].profile) {
      fmt::print("profile of {}\n{}\n", names[i], render_profile(*results[i].profile));
    }
    if (results[i].end == RunEnd::kInterrupted) open.push_back(results[i].folder);
    if (results[i].end != RunEnd::kFailed) continue;
    failed = true;
    print_error(names[i] + ": " + describe(results[i].failure).message);
  }
  for (const std::string& command : scoring_commands(requests, results, program)) {
    fmt::print("next:    {}\n", command);
  }
  if (!open.empty()) return interrupted(open, program);
  return failed ? 1 : 0;
}

}  // namespace telora
