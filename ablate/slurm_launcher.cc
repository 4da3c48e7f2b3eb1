#include "ablate/slurm_launcher.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <thread>

#include "core/error.h"
#include "core/files.h"
#include "core/subprocess.h"

namespace telora {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kBetweenLooks = std::chrono::milliseconds(200);
constexpr auto kBetweenQuestions = std::chrono::seconds(2);  // to the controller
constexpr int kMostSilences = 30;  // questions without an answer before it counts as gone

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

FinishedProgram run_slurm(const std::vector<std::string>& arguments) {
  try {
    return run_to_end(arguments);
  } catch (const Error&) {
    fail(ErrorKind::kUnavailable, {arguments.front(), {}}, "no such program", "Slurm's commands",
         "run lora-ablate where jobs are submitted, or with --launcher local");
  }
}

// The number of the job.
std::string submit(const std::string& file) {
  const FinishedProgram sbatch = run_slurm({"sbatch", "--parsable", file});
  const std::string id = trimmed(sbatch.out.substr(0, sbatch.out.find(';')));
  if (sbatch.exit_code == 0 && !id.empty() &&
      id.find_first_not_of("0123456789") == std::string::npos) {
    return id;
  }
  fail(ErrorKind::kUnavailable, {"sbatch", {}}, printable(trimmed(sbatch.err + sbatch.out)),
       "a submitted job", "see " + file);
}

// Whether any task is waiting, running or being put into the queue again; nothing where the
// controller does not answer.
std::optional<bool> is_queued(const std::string& id) {
  const FinishedProgram squeue = run_slurm({"squeue", "--noheader", "--job", id, "--format", "%i"});
  if (squeue.exit_code == 0) return !trimmed(squeue.out).empty();
  // A job that has left the controller's memory is no longer known to it.
  if (squeue.err.find("Invalid job id") != std::string::npos) return false;
  return std::nullopt;
}

class Follower {
 public:
  Follower(const SlurmLaunch& launch, std::string id) : launch_(launch), id_(std::move(id)) {}

  void run() {
    while (!is_over()) {
      if (!cancelled_ && launch_.stop_asked && launch_.stop_asked()) cancel();
      if (launch_.watch) launch_.watch();
      std::this_thread::sleep_for(kBetweenLooks);
    }
    if (launch_.watch) launch_.watch();
  }

 private:
  bool is_over() {
    const auto now = Clock::now();
    if (now - asked_ < kBetweenQuestions) return false;
    asked_ = now;
    const std::optional<bool> queued = is_queued(id_);
    silences_ = queued ? 0 : silences_ + 1;
    if (silences_ > kMostSilences) {
      fail(ErrorKind::kUnavailable, {"squeue", {}}, "no answer for a minute", "Slurm's controller",
           fmt::format("job {} may go on; the same command waits for it", id_));
    }
    return queued && !*queued;
  }

  // Waiting tasks leave the queue; those that run get SIGTERM, which Slurm sends to a batch script
  // only if told to, save, and see by the mark that they are not to come back.
  void cancel() {
    cancelled_ = true;
    publish(stop_mark(launch_.script.folder), "");
    run_slurm({"scancel", "--state=PENDING", id_});
    run_slurm({"scancel", "--full", "--signal=TERM", id_});
  }

  const SlurmLaunch& launch_;
  std::string id_;
  Clock::time_point asked_ = {};
  int silences_ = 0;
  bool cancelled_ = false;
};

}  // namespace

void launch_with_slurm(const SlurmLaunch& launch) {
  const auto& folder = launch.script.folder;
  create_folders(folder / "slurm");
  create_folders(folder / "logs");
  const auto file = folder / "slurm" / "job.sh";
  publish(file, slurm_script(launch.script));
  std::error_code none;
  std::filesystem::remove(stop_mark(folder), none);  // of an earlier time
  const std::string id = submit(file.string());
  publish(folder / "slurm" / "job-id", id + "\n");
  if (launch.note) launch.note(fmt::format("job {}, {} tasks", id, launch.script.tasks.size()));
  Follower(launch, id).run();
}

}  // namespace telora
