#include "tools/eval_report.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "core/files.h"
#include "scoring/gather.h"
#include "scoring/report_data.h"
#include "scoring/report_page.h"

namespace telora {

namespace {

struct ReportFlags {
  std::vector<std::string> folders;
  std::string out;
  std::string data;
  LiteChoice lite;
};

CLI::App* add_flags(CLI::App& app, ReportFlags& flags) {
  CLI::App* report = app.add_subcommand(
      "report", "Make report.json and report.html from the predictions of runs or evaluations");
  report
      ->add_option("folders", flags.folders,
                   "Folders with predictions.jsonl or predictions-NAME.jsonl, of one category")
      ->required();
  report->add_option("--out", flags.out, "Folder for both files (default: the only folder named)");
  report->add_option("--data", flags.data,
                     "Folder with the ot-full files, or 'sample': hold the answers against what "
                     "costs nothing there, and show the questions of the worst mistakes");
  CLI::Option* lite =
      report->add_flag("--hold-out-lite", flags.lite.hold_out,
                       "The published small file's rows were test rows, as in lora-eval run");
  report->add_option("--lite", flags.lite.folder, "Folder with the small files")->needs(lite);
  lite->needs("--data");
  return report;
}

int run(const ReportFlags& flags) {
  if (flags.out.empty() && flags.folders.size() > 1) {
    fail(ErrorKind::kUsage, {.file = "--out", .field = {}}, "several folders and no --out",
         "a folder for the report");
  }
  ReportInputs inputs = gather_inputs(flags.folders);
  PageTexts texts;
  if (!flags.data.empty()) texts = add_data(flags.data, flags.lite, inputs);
  const Report report = build_report(inputs);
  const std::filesystem::path out = flags.out.empty() ? flags.folders.front() : flags.out;
  create_folders(out);
  write_report(out / "report.json", report);
  publish(out / "report.html", render_page(report, texts));
  fmt::print("{}\n{}\n", render_table(report), (out / "report.html").string());
  return 0;
}

}  // namespace

Subcommand add_eval_report(CLI::App& app) {
  const auto flags = std::make_shared<ReportFlags>();
  return {add_flags(app, *flags), [flags] { return run(*flags); }};
}

}  // namespace telora
