#include "ablate/follow.h"

#include <nlohmann/json.hpp>

#include "ablate/sweep_folder.h"
#include "ablate/worker.h"
#include "core/error.h"

namespace telora {

namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

std::optional<double> number_at(const Json& line, const std::string& key) {
  const auto found = line.find(key);
  if (found == line.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

}  // namespace

RunFollower::RunFollower(fs::path folder, int64_t total_steps, std::string metric)
    : folder_(std::move(folder)), metric_(std::move(metric)), lines_(folder_ / "metrics.jsonl") {
  progress_.total = total_steps;
}

RunProgress RunFollower::read() {
  lines_.read([this](std::string_view line) { take(line); });
  using enum RunProgress::Stage;
  progress_.stage = run_state(folder_) == RunState::kFinished ? kFinished
                    : !failure_of(folder_).empty()            ? kFailed
                    : progress_.step > 0                      ? kTraining
                                                              : kWaiting;
  return progress_;
}

void RunFollower::take(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) return;
  progress_.step = json["step"];
  const double seconds = number_at(json, "seconds").value_or(last_seconds_);
  if (json.contains("evaluation")) {
    if (json.value("best", false)) {
      progress_.validation = number_at(json, metric_);
    }
    last_seconds_ = seconds;
    return;
  }
  progress_.loss = number_at(json, "loss");
  progress_.tokens_per_second = number_at(json, "tokens_per_second");
  if (first_seconds_ < 0 || seconds < last_seconds_) {
    first_seconds_ = seconds;
    first_step_ = progress_.step;
  }
  last_seconds_ = seconds;
  if (progress_.step > first_step_) {
    progress_.seconds_left = (seconds - first_seconds_) *
                             static_cast<double>(progress_.total - progress_.step) /
                             static_cast<double>(progress_.step - first_step_);
  }
}

}  // namespace telora
