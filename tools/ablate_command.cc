#include "tools/ablate_command.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <numeric>
#include <vector>

#include "ablate/ablation_report.h"
#include "ablate/local_launcher.h"
#include "ablate/lr_scan.h"
#include "ablate/slurm_launcher.h"
#include "ablate/tensorboard.h"
#include "ablate/worker.h"
#include "core/error.h"
#include "core/subprocess.h"
#include "tools/ablate_view.h"
#include "tools/command_line.h"
#include "tools/console.h"
#include "tools/interrupt.h"
#include "tools/main_guard.h"
#include "tools/subcommand.h"

namespace telora {

namespace {

constexpr const char* kDefaultFolder = "runs/ablation";
constexpr int kRequeue = 75;  // a worker that was asked to stop: its runs can be resumed

struct AblateFlags {
  std::string category, backbone, data, ranks, seeds, config, sweep, split_method;
  std::vector<std::string> settings;
  std::string out = kDefaultFolder;
  int64_t jobs = 1;
  std::string launcher = "local";
  std::string lr_scan;
  double lr_scan_share = 0.25;
  SlurmOptions slurm;
  bool no_eval = false, quiet = false, dry_run = false, tensorboard = false;
};

struct WorkFlags {
  WorkRequest request;
  std::string folder;
  int64_t parent = 0;
  bool no_eval = false;
};

// The program again: a worker is the same one.
std::string this_program() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

Sweep sweep_of(const AblateFlags& flags) {
  Sweep sweep;
  if (!flags.sweep.empty()) sweep = read_sweep(read_text(flags.sweep, 1 << 20), flags.sweep);
  if (!flags.config.empty()) sweep.base.config = flags.config;
  for (const std::string& setting : flags.settings) sweep.base.settings.push_back(setting);
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) sweep.base.flags.emplace_back(key, value);
  };
  add("category", flags.category);
  add("backbone", flags.backbone);
  add("data", flags.data);
  add("split_method", flags.split_method);
  if (!flags.ranks.empty()) set_axis(sweep, {"rank", list_items("--ranks", flags.ranks)});
  if (!flags.seeds.empty()) set_axis(sweep, {"seed", list_items("--seeds", flags.seeds)});
  return sweep;
}

// What each run would be made of: a recipe that does not fit shows before anything is written.
struct Expected {
  std::vector<RunIdentity> identities;
  std::vector<int64_t> steps;
};

Expected expect_runs(const Plan& plan) {
  IdentityReader reader;
  Expected expected;
  for (const PlannedRun& run : plan.runs) {
    expected.identities.push_back(reader.identity(run.recipe));
    expected.steps.push_back(reader.steps(run.recipe));
  }
  return expected;
}

// A finished run is not made again, so it must be of the same inputs.
void check_finished(const SweepFolder& folder, const Plan& plan, const Expected& expected) {
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    const auto run = folder.run(plan.runs[i]);
    if (run_state(run) == RunState::kFinished) require_same_inputs(run, expected.identities[i]);
  }
}

bool is_unfinished(const SweepFolder& folder, const Plan& plan, size_t task) {
  return std::ranges::any_of(plan.tasks[task], [&](size_t run) {
    return run_state(folder.run(plan.runs[run])) != RunState::kFinished;
  });
}

SlurmScript slurm_script_of(const AblateFlags& flags, const std::filesystem::path& folder,
                            const std::vector<size_t>& tasks) {
  return {.program = this_program(),
          .folder = folder,
          .tasks = tasks,
          .evaluate_test = !flags.no_eval,
          .options = flags.slurm};
}

std::vector<TaskEnd> launch(const AblateFlags& flags, const SweepFolder& folder, const Plan& plan,
                            const std::vector<int64_t>& steps) {
  AblateView view(folder, plan.runs, steps, flags.quiet);
  std::vector<TensorboardMirror> mirrors;
  for (const PlannedRun& run : plan.runs) {
    if (flags.tensorboard) mirrors.emplace_back(folder.run(run));
  }
  const auto mirror = [&] {
    for (TensorboardMirror& one : mirrors) one.update();
  };
  LocalLaunch local{.program = this_program(),
                    .folder = folder.root(),
                    .jobs = flags.jobs,
                    .evaluate_test = !flags.no_eval,
                    .watch =
                        [&] {
                          view.update();
                          mirror();
                        },
                    .stop_asked = [] { return caught_signal() != 0; }};
  for (size_t task = 0; task < plan.tasks.size(); ++task) {
    if (is_unfinished(folder, plan, task)) local.tasks.push_back(task);
  }
  std::vector<TaskEnd> ends;
  if (flags.launcher == "slurm") {
    launch_with_slurm({.script = slurm_script_of(flags, folder.root(), local.tasks),
                       .watch = local.watch,
                       .stop_asked = local.stop_asked,
                       .note = [](const std::string& note) { spdlog::info("{}", note); }});
  } else {
    ends = launch_locally(local);
  }
  mirror();
  return ends;
}

void print_plan(const AblateFlags& flags, const Plan& plan) {
  if (flags.launcher == "slurm") {
    std::vector<size_t> tasks(plan.tasks.size());
    std::iota(tasks.begin(), tasks.end(), 0);
    fmt::print("{}\n", slurm_script(slurm_script_of(flags, flags.out, tasks)));
  }
  for (size_t task = 0; task < plan.tasks.size(); ++task) {
    for (const size_t run : plan.tasks[task]) {
      fmt::print("task {}  {}\n", task, plan.runs[run].name);
    }
  }
}

int report(const SweepFolder& folder, const Plan& plan) {
  const Ablation ablation = read_ablation(folder.root(), plan);
  write_ablation_json(folder.path("ablation.json"), ablation);
  publish(folder.path("ablation.html"), render_ablation_page(ablation));
  fmt::print("{}\nreport: {}\n", render_ablation(ablation), folder.path("ablation.html").string());
  const bool all = std::ranges::all_of(
      ablation.runs, [](const AblationRun& run) { return run.state == RunState::kFinished; });
  return all ? 0 : 1;
}

// What a worker said last, where it ended otherwise than by finishing its runs.
void warn_of(const SweepFolder& folder, const std::vector<TaskEnd>& ends) {
  for (const TaskEnd& end : ends) {
    if (end.exit_code == 0 || end.exit_code == kRequeue) continue;
    spdlog::warn("task {} ended with {}; see {}", end.task, end.exit_code,
                 folder.path(fmt::format("logs/task-{}.log", end.task)).string());
  }
}

// Trains the runs of a plan that are not finished.
void train(const AblateFlags& flags, const SweepFolder& folder, const Plan& plan,
           const Expected& expected) {
  check_finished(folder, plan, expected);
  warn_of(folder, launch(flags, folder, plan, expected.steps));
}

// Each combination's learning rate, by short runs in the folder lr-scan. Empty where it was
// stopped.
std::vector<ScanChoice> scan_rates(AblateFlags flags, const std::vector<PlannedRun>& runs) {
  IdentityReader reader;
  const ScanRequest request{list_items("--lr-scan", flags.lr_scan), flags.lr_scan_share};
  Plan plan{.runs = scan_runs(runs, request, [&](const Recipe& r) { return reader.steps(r); }),
            .tasks = {}};
  plan.tasks = make_tasks(plan.runs, flags.jobs);
  flags.no_eval = true;  // the test part is not looked at
  const Expected expected = expect_runs(plan);
  const SweepFolder folder = SweepFolder::open(std::filesystem::path(flags.out) / "lr-scan", plan);
  train(flags, folder, plan, expected);
  if (caught_signal() != 0) return {};
  const std::vector<ScanChoice> choices = choose_rates(folder.root(), plan.runs);
  fmt::print("{}\n", render_scan(choices));
  return choices;
}

int stopped() {
  fmt::print(stderr, "stopped; the same command goes on\n");
  return 128 + caught_signal();
}

int sweep(const AblateFlags& flags) {
  set_up_messages(flags.quiet);
  Plan plan{.runs = plan_runs(sweep_of(flags)), .tasks = {}};
  plan.tasks = make_tasks(plan.runs, flags.jobs);
  if (flags.dry_run) {
    print_plan(flags, plan);
    return 0;
  }
  if (!flags.lr_scan.empty()) {
    plan.runs = with_rates(plan.runs, scan_rates(flags, plan.runs));
    if (caught_signal() != 0) return stopped();
  }
  const Expected expected = expect_runs(plan);
  const SweepFolder folder = SweepFolder::open(flags.out, plan);
  train(flags, folder, plan, expected);
  return caught_signal() != 0 ? stopped() : report(folder, plan);
}

int work(const WorkFlags& flags) {
  set_up_messages(false);
  if (flags.parent > 0) die_with_parent(static_cast<pid_t>(flags.parent));
  WorkRequest request = flags.request;
  request.folder = flags.folder;
  request.evaluate_test = !flags.no_eval;
  request.stop_asked = [] { return caught_signal() != 0; };
  request.note = [](const std::string& note) { spdlog::info("{}", note); };
  int code = 0;
  for (const RunResult& result : train_task(request)) {
    if (result.failure) {
      print_error(result.folder.string() + ": " + describe(result.failure).message);
      code = 1;
    } else if (result.end == RunEnd::kInterrupted && code == 0) {
      code = kRequeue;
    }
  }
  return code;
}

void add_slurm_flags(CLI::App& app, SlurmOptions& slurm) {
  app.add_option("--partition", slurm.partition, "Slurm: of the job")->group("Slurm");
  app.add_option("--account", slurm.account, "Slurm: that is charged")->group("Slurm");
  app.add_option("--time", slurm.time, "Slurm: limit of one task, as 2:00:00")->group("Slurm");
  app.add_option("--mem", slurm.memory, "Slurm: of one task, as 8G")->group("Slurm");
  app.add_option("--cpus-per-task", slurm.cpus, "Slurm: of one task")->group("Slurm");
  app.add_option("--at-once", slurm.at_once, "Slurm: tasks that may run at once")->group("Slurm");
  app.add_option("--grace", slurm.grace, "Slurm: seconds before the limit at which a task saves")
      ->group("Slurm")
      ->capture_default_str();
}

void add_flags(CLI::App& app, AblateFlags& flags) {
  app.add_option("--category", flags.category, "Benchmark category: 6g-bench, oran-bench, ...");
  app.add_option("--ranks", flags.ranks, "Ranks with commas between: 4,8,16,32");
  app.add_option("--seeds", flags.seeds, "Seeds with commas between: 42,43,44");
  app.add_option("--sweep", flags.sweep, "Sweep file (YAML); see configs/sweeps/");
  app.add_option("--backbone", flags.backbone, "Name, model folder or .gguf file");
  app.add_option("--data", flags.data, "Folder with the ot-full files, or 'sample'");
  app.add_option("--split-method", flags.split_method, "group (default), sk, py or hf");
  app.add_option("--config", flags.config, "Recipe file (YAML) of all runs");
  app.add_option("--set", flags.settings, "key=value of the recipe of all runs, repeatable")
      ->take_all();
  app.add_option("--out", flags.out, "Folder of the sweep; a begun one goes on")
      ->capture_default_str();
  app.add_option("--jobs", flags.jobs, "Processes that train at once; tasks of a Slurm array")
      ->check(CLI::Range(int64_t{1}, int64_t{1024}))
      ->capture_default_str();
  app.add_option("--launcher", flags.launcher, "local: processes here; slurm: a job array")
      ->check(CLI::IsMember({"local", "slurm"}))
      ->capture_default_str();
  add_slurm_flags(app, flags.slurm);
  app.add_flag("--no-eval", flags.no_eval, "Do not score the test part");
  app.add_flag("--dry-run", flags.dry_run,
               "List the runs, with --launcher slurm the job's script too, and end");
  app.add_option("--lr-scan", flags.lr_scan,
                 "First find each combination's learning rate among these, on the validation part");
  app.add_option("--lr-scan-share", flags.lr_scan_share, "Share of a run's steps that this takes")
      ->capture_default_str();
  app.add_flag("--tensorboard", flags.tensorboard,
               "Write an event file for TensorBoard into each run's folder");
  app.add_flag("--quiet", flags.quiet, "Only the report and errors");
}

Subcommand add_work(CLI::App& app) {
  const auto flags = std::make_shared<WorkFlags>();
  CLI::App* command = app.add_subcommand("work", "Train one task of a sweep's plan");
  command->add_option("folder", flags->folder, "Folder of the sweep")->required();
  command->add_option("--task", flags->request.task, "Number of the task")->required();
  command->add_option("--parent", flags->parent, "End when this process ends");
  command->add_flag("--no-eval", flags->no_eval, "Do not score the test part");
  return {command, [flags] { return work(*flags); }};
}

Subcommand add_report(CLI::App& app) {
  const auto folder = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("report", "Write a sweep's report anew");
  command->add_option("folder", *folder, "Folder of the sweep")->required();
  return {command, [folder] {
            set_up_messages(false);
            const Plan plan = read_plan(std::filesystem::path(*folder) / "plan.json");
            return report(SweepFolder::open(*folder, plan), plan);
          }};
}

}  // namespace

int ablate_command(int argc, char** argv) {
  CLI::App app("Sweep ranks, seeds or any setting, and say which adapter to ship.", "lora-ablate");
  AblateFlags flags;
  add_flags(app, flags);
  const std::vector<Subcommand> commands = {add_work(app), add_report(app)};
  set_up_command(app, "lora-ablate --category 3gpp-tsg --ranks 4,8,16,32 --data sample");
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  for (const Subcommand& command : commands) {
    if (command.app->parsed()) return command.run();
  }
  return sweep(flags);
}

}  // namespace telora
