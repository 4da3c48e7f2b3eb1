#include "ablate/worker.h"

#include <fmt/format.h>

#include "ablate/sweep_folder.h"
#include "core/error.h"
#include "core/files.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

constexpr const char* kFailure = "failure.txt";

std::string message_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  }
}

// A folder with a recipe continues; one that was left before it had one begins anew.
RunRequest request_for(const PlannedRun& run, const fs::path& folder, bool evaluate_test) {
  RunRequest request{.recipe = run.recipe, .out = folder, .evaluate_test = evaluate_test};
  if (run_state(folder) == RunState::kBegun) {
    const fs::path file = folder / "recipe.yaml";
    request.recipe = read_recipe(read_text(file), file.string());
    request.resume = true;
  } else {
    fs::remove_all(folder);
  }
  return request;
}

void write_failure(const RunResult& result) {
  if (!result.failure) return;
  publish(result.folder / kFailure, printable(message_of(result.failure), 2000) + "\n");
}

}  // namespace

std::vector<RunResult> train_task(const WorkRequest& request) {
  const Plan plan = read_plan(request.folder / "plan.json");
  if (request.task >= plan.tasks.size()) {
    fail(ErrorKind::kUsage, {.file = "--task", .field = {}}, fmt::format("{}", request.task),
         fmt::format("less than {}, the tasks of the plan", plan.tasks.size()));
  }
  std::vector<RunRequest> requests;
  for (const size_t index : plan.tasks[request.task]) {
    const fs::path folder = request.folder / "runs" / plan.runs[index].name;
    if (run_state(folder) == RunState::kFinished) continue;
    requests.push_back(request_for(plan.runs[index], folder, request.evaluate_test));
    std::error_code none;
    fs::remove(folder / kFailure, none);
  }
  if (requests.empty()) return {};
  const RunWatcher watcher{.on_note = request.note, .stop_asked = request.stop_asked};
  std::vector<RunResult> results =
      train_together(requests, std::vector<RunWatcher>(requests.size(), watcher));
  for (const RunResult& result : results) write_failure(result);
  return results;
}

std::string failure_of(const fs::path& run) {
  const fs::path file = run / kFailure;
  if (!fs::exists(file)) return {};
  std::string text = read_text(file, 1 << 16);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace telora
