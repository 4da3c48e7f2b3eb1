#include "tools/eval_compare.h"

#include <fmt/format.h>

#include <memory>

#include "scoring/compare_files.h"

namespace telora {

namespace {

struct CompareFlags {
  CompareRequest request;
  bool json = false;
};

CLI::App* add_flags(CLI::App& app, CompareFlags& flags) {
  CLI::App* compare = app.add_subcommand(
      "compare", "Say which of two sets of predictions of the same questions is better");
  CompareRequest& r = flags.request;
  compare
      ->add_option("predictions", r.files,
                   "Pairs A B [A B ...]: a predictions file, a run's or result's folder, or "
                   "FOLDER:NAME for its predictions-NAME.jsonl")
      ->required();
  compare->add_option("--metric", r.metric,
                      "'generated pass@1', 'selection accuracy', 'generated maj@4', ... (default: "
                      "generated where there is, else selection)");
  compare->add_option("--split", r.part, "train, validation or test, for files of several parts");
  compare->add_flag("--json", flags.json, "One JSON object instead of text");
  return compare;
}

int run(const CompareFlags& flags) {
  const std::vector<FileComparison> made = compare_files(flags.request);
  fmt::print("{}", flags.json ? comparisons_json(made) + "\n" : render_comparisons(made));
  return 0;
}

}  // namespace

Subcommand add_eval_compare(CLI::App& app) {
  const auto flags = std::make_shared<CompareFlags>();
  return {add_flags(app, *flags), [flags] { return run(*flags); }};
}

}  // namespace telora
