#include "tools/train_command.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <optional>

#include "core/files.h"
#include "data/category.h"
#include "tools/command_line.h"
#include "tools/console.h"
#include "tools/interrupt.h"
#include "tools/main_guard.h"
#include "tools/next_command.h"
#include "train/run.h"
#include "train/run_folder.h"

namespace telora {

namespace {

// Flags that stand for one key of the recipe.
constexpr const char* kRecipeFlags[][3] = {
    {"--category", "category", "Benchmark category: 6g-bench, oran-bench, ..."},
    {"--rank", "rank", "Rank r of the adapter (default 16)"},
    {"--backbone", "backbone", "Name, model folder or .gguf file (default smollm2-135m)"},
    {"--data", "data",
     "Folder with the ot-full files, or 'sample' (default $TELORA_DATA or the data folder)"},
    {"--split-method", "split_method", "group (default), sk, py or hf"},
    {"--seed", "seed", "Seed of initialisation, row order and dropout (default 42)"},
    {"--max-steps", "max_steps", "Stop after so many optimiser steps"},
    {"--device", "device", "cpu (default), or cuda in a program built for it"},
    {"--loss", "loss", "answer (default), or full: over the prompt too, for replication"},
};

struct TrainFlags {
  std::vector<std::optional<std::string>> recipe =
      std::vector<std::optional<std::string>>(std::size(kRecipeFlags));
  std::string config, out, resume, dump_batches, save_initial;
  std::vector<std::string> settings;
  bool no_eval = false, quiet = false, help_recipe = false;
};

void add_flags(CLI::App& app, TrainFlags& flags) {
  for (size_t i = 0; i < std::size(kRecipeFlags); ++i) {
    app.add_option(kRecipeFlags[i][0], flags.recipe[i], kRecipeFlags[i][2]);
  }
  app.add_option("--config", flags.config, "Recipe file (YAML); see configs/recipes/");
  app.add_option("--set", flags.settings, "key=value of the recipe, repeatable; see --help-recipe")
      ->take_all();
  app.add_option("--out", flags.out, "Folder of the run (default runs/<category>-r<rank>-<n>)");
  app.add_option("--resume", flags.resume,
                 "Continue the interrupted run in this folder, bit for bit");
  app.add_flag("--no-eval", flags.no_eval, "Do not score the test part before and after");
  app.add_flag("--quiet", flags.quiet, "Only the closing summary and errors");
  app.add_flag("--help-recipe", flags.help_recipe, "List every key of the recipe and exit");
  app.add_option("--dump-batches", flags.dump_batches,
                 "Write the token ids of every batch as JSON lines");
  app.add_option("--save-initial", flags.save_initial,
                 "Write the adapter before the first step to this folder");
}

// A resumed run has its recipe; a second one would have to agree in every value.
void require_no_recipe(const TrainFlags& flags) {
  bool any = !flags.config.empty() || !flags.settings.empty() || !flags.out.empty() ||
             !flags.save_initial.empty();
  for (const auto& value : flags.recipe) any = any || value.has_value();
  if (any) {
    throw Error(ErrorKind::kUsage,
                "lora-train: --resume continues a run with its own recipe.yaml; give no other "
                "recipe, --out or "
                "--save-initial");
  }
}

RunRequest make_request(const TrainFlags& flags) {
  RunRequest request;
  if (!flags.resume.empty()) {
    require_no_recipe(flags);
    const std::filesystem::path file = std::filesystem::path(flags.resume) / "recipe.yaml";
    request.recipe = read_recipe(read_text(file), file.string());
    request.out = flags.resume;
    request.resume = true;
  } else {
    RecipeSources sources{flags.config, flags.settings, {}};
    if (flags.recipe[0]) find_category(*flags.recipe[0]);  // a slip of the tongue is a usage error
    for (size_t i = 0; i < flags.recipe.size(); ++i) {
      if (flags.recipe[i]) sources.flags.emplace_back(kRecipeFlags[i][1], *flags.recipe[i]);
    }
    request.recipe = load_recipe(sources);
    request.out = flags.out.empty() ? next_run_path(request.recipe.category, request.recipe.rank)
                                    : std::filesystem::path(flags.out);
  }
  request.evaluate_test = !flags.no_eval;
  request.dump_batches = flags.dump_batches;
  request.save_initial = flags.save_initial;
  return request;
}

std::string evaluation_line(const EvaluationRecord& record) {
  return fmt::format(
      "  step {:>4}  epoch {:.2f}  validation loss {:.4f}  selection accuracy {:.1f} % of {}{}",
      record.step, record.epoch, record.loss, 100.0 * record.selection_accuracy.value_or(0),
      record.n, record.best ? "  best" : "");
}

RunWatcher make_watcher(Console& console) {
  RunWatcher watcher;
  watcher.on_header = [&](const auto& lines) { console.header(lines); };
  watcher.on_note = [](const std::string& text) { spdlog::info("{}", text); };
  watcher.on_progress = [&](const std::string& stage, int64_t done, int64_t total) {
    console.progress({.stage = stage, .step = done, .total = total});
    if (done == total) console.finish();
  };
  watcher.on_step = [&](const StepRecord& r, int64_t total) {
    console.progress({.stage = "train",
                      .step = r.step,
                      .total = total,
                      .loss = r.loss,
                      .lr = r.lr,
                      .tokens_per_second = r.tokens_per_second});
    if (r.step == total) console.finish();
  };
  watcher.on_evaluation = [&](const EvaluationRecord& record) {
    console.line(evaluation_line(record));
  };
  watcher.stop_asked = [] { return caught_signal() != 0; };
  return watcher;
}

int interrupted(const RunResult& result, const std::string& program) {
  fmt::print("interrupted; to go on from here:\n  {} --resume {}\n",
             sibling_program(program, "lora-train"), shell_word(result.folder.string()));
  return 128 + caught_signal();
}

int summarise(const RunResult& result, const Recipe& recipe, const std::string& program) {
  if (result.report) fmt::print("\n{}\n", render_table(*result.report));
  fmt::print("adapter: {}  (step {} of {}{})\n",
             (result.folder / "adapter_model.safetensors").string(), result.best_step, result.steps,
             result.stopped_early ? ", stopped early" : "");
  fmt::print("next:    {} run {}\n", sibling_program(program, "lora-eval"),
             scoring_arguments(recipe, result.folder));
  return 0;
}

}  // namespace

int train_command(int argc, char** argv) {
  CLI::App app("Train a LoRA adapter for one benchmark category on a frozen backbone.",
               "lora-train");
  TrainFlags flags;
  add_flags(app, flags);
  set_up_command(app, "lora-train --category 6g-bench --rank 16 --data sample");
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  if (flags.help_recipe) {
    fmt::print("{}", recipe_help());
    return 0;
  }
  const RunRequest request = make_request(flags);
  set_up_messages(flags.quiet);
  Console console({.quiet = flags.quiet});
  const RunResult result = run_training(request, make_watcher(console));
  return result.end == RunEnd::kInterrupted ? interrupted(result, argv[0])
                                            : summarise(result, request.recipe, argv[0]);
}

}  // namespace telora
