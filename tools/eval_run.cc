#include "tools/eval_run.h"

#include <fmt/format.h>

#include <memory>

#include "core/files.h"
#include "eval/score_adapters.h"
#include "tools/command_line.h"
#include "tools/console.h"
#include "tools/main_guard.h"

namespace telora {

namespace {

struct RunFlags {
  ScoreRequest request;
  bool quiet = false;
};

void add_answer_options(CLI::App& run, ScoreRequest& r) {
  run.add_option("--max-new-tokens", r.max_new_tokens, "Of an answer (default: by the category)")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20));
  run.add_flag("!--no-selection", r.selection, "Generated answers only, no option log-likelihoods");
  run.add_flag("--rotate", r.rotate, "Ask letter questions in every order of their options too");
  run.add_option("--cost", r.cost_queries,
                 "Measure latency, memory and energy with N single questions (30 if not said)")
      ->type_name("N")
      ->expected(0, 1)
      ->default_str("30")
      ->check(CLI::Range(int64_t{1}, int64_t{100000}));
  CLI::Option* maj =
      run.add_option("--maj", r.majority.samples,
                     "Also draw K answers to each question and take the most frequent: Maj@K")
          ->type_name("K")
          ->check(CLI::Range(int64_t{1}, kMostSamples));
  run.add_option("--temperature", r.majority.sampling.temperature, "Of the K answers")
      ->needs(maj)
      ->capture_default_str();
  run.add_option("--top-p", r.majority.sampling.top_p, "Nucleus they are drawn from; 1: all tokens")
      ->needs(maj)
      ->capture_default_str();
  run.add_option("--seed", r.majority.seed, "Answer i is drawn with this seed + i")
      ->needs(maj)
      ->capture_default_str();
}

CLI::App* add_flags(CLI::App& app, RunFlags& flags) {
  CLI::App* run = app.add_subcommand("run", "Score the base and adapters on parts of a category");
  ScoreRequest& r = flags.request;
  run->add_option("--category", r.category, "Benchmark category: 6g-bench, oran-bench, ...")
      ->required();
  run->add_option("--adapter", r.adapters, "Run or PEFT folder, repeatable")->take_all();
  run->add_option("--backbone", r.backbone, "Name, model folder or .gguf file")
      ->capture_default_str();
  run->add_option("--chat-template", r.chat_template,
                  "Format of prompts (default: by the model's own template)");
  run->add_option("--data", r.data, "Folder with the ot-full files, or 'sample'");
  run->add_option("--split", r.parts, "Parts to score: test, or test,train for seen against unseen")
      ->delimiter(',')
      ->capture_default_str();
  run->add_option("--limit", r.limit, "Of each part the first N rows only (0: all)")
      ->type_name("N")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30))
      ->capture_default_str();
  run->add_option("--split-method", r.split_method, "group, sk, py or hf")->capture_default_str();
  run->add_option("--split-seed", r.split_seed, "Seed of the split")->capture_default_str();
  run->add_flag("--hold-out-lite", r.lite.hold_out,
                "The published small file's rows are test rows, as with hold_out_lite in training");
  run->add_option("--lite", r.lite.folder, "Folder with the small files");
  run->add_option("--precision", r.precision, "bf16 or f32")
      ->check(CLI::IsMember({"bf16", "f32"}))
      ->capture_default_str();
  run->add_option("--device", r.device, "cpu, or cuda in a program built for it")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  add_answer_options(*run, r);
  run->add_flag("--accept-risk", r.accept_risk,
                "Score adapters of other weights or with a suspicious spectrum too");
  run->add_option("--out", r.out,
                  "Folder for report.json, report.html, summary.json and a predictions file each");
  run->add_flag("--quiet", flags.quiet, "Only the table and errors");
  return run;
}

int run(RunFlags& flags) {
  set_up_messages(flags.quiet);
  Console console({.quiet = flags.quiet});
  flags.request.progress = [&](const std::string& subject, int64_t done, int64_t total) {
    console.progress({.stage = "score " + subject, .step = done, .total = total});
    if (done == total) console.finish();
  };
  check_sampling(flags.request.majority.sampling);
  if (!flags.request.out.empty()) create_folders(flags.request.out);
  fmt::print("{}", render_table(score_adapters(flags.request)));
  return 0;
}

}  // namespace

Subcommand add_eval_run(CLI::App& app) {
  const auto flags = std::make_shared<RunFlags>();
  return {add_flags(app, *flags), [flags] { return run(*flags); }};
}

}  // namespace telora
