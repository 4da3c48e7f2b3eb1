#include "tools/train_command.h"

#include <fmt/format.h>

#include "tools/command_line.h"
#include "tools/console.h"
#include "tools/main_guard.h"
#include "tools/train_requests.h"
#include "tools/train_summary.h"
#include "tools/train_view.h"
#include "train/run.h"

namespace telora {

namespace {

void add_flags(CLI::App& app, TrainFlags& flags) {
  for (size_t i = 0; i < recipe_flags().size(); ++i) {
    app.add_option(recipe_flags()[i].flag, flags.recipe[i], recipe_flags()[i].help);
  }
  app.add_option("--config", flags.config, "Recipe file (YAML); see configs/recipes/");
  app.add_option("--set", flags.settings, "key=value of the recipe, repeatable; see --help-recipe")
      ->take_all();
  app.add_option("--out", flags.out,
                 "Folder of the run (default runs/<category>-r<rank>-<n>); of several runs the "
                 "folder of theirs, <category>-r<rank>");
  app.add_option("--resume", flags.resume,
                 "Continue the interrupted run in this folder, bit for bit, or all runs in it; "
                 "repeatable")
      ->take_all();
  app.add_flag("--no-eval", flags.no_eval, "Do not score the test part before and after");
  app.add_flag("--profile", flags.profile,
               "Show where time and memory went, and the share of the machine's rate");
  app.add_flag("--quiet", flags.quiet, "Only the closing summary and errors");
  app.add_flag("--help-recipe", flags.help_recipe, "List every key of the recipe and exit");
  app.add_option("--dump-batches", flags.dump_batches,
                 "Write the token ids of every batch as JSON lines");
  app.add_option("--save-initial", flags.save_initial,
                 "Write the adapter before the first step to this folder");
}

}  // namespace

int train_command(int argc, char** argv) {
  CLI::App app("Train LoRA adapters for benchmark categories on a frozen backbone.", "lora-train");
  TrainFlags flags;
  add_flags(app, flags);
  set_up_command(app, "lora-train --category 6g-bench --rank 16 --data sample");
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  if (flags.help_recipe) {
    fmt::print("{}", recipe_help());
    return 0;
  }
  const std::vector<RunRequest> requests = make_requests(flags);
  set_up_messages(flags.quiet);
  Console console({.quiet = flags.quiet});
  TrainView view(console, requests);
  const std::vector<RunWatcher> watchers = view.watchers();
  if (requests.size() == 1)
    return summarise(requests[0], run_training(requests[0], watchers[0]), argv[0]);
  const std::vector<RunResult> results = train_together(requests, watchers);
  console.finish();
  return summarise(requests, results, argv[0]);
}

}  // namespace telora
