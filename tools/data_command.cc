#include "tools/data_command.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "core/error.h"
#include "data/import.h"
#include "data/lite.h"
#include "data/sample.h"
#include "data/source.h"
#include "data/split.h"
#include "scoring/baselines.h"
#include "tools/command_line.h"
#include "tools/data_lint.h"

namespace telora {

namespace {

struct DataFlags {
  std::string folder, target, out, category, data, method = std::string(kDefaultSplitMethod);
  std::string lite;
  uint64_t seed = kDefaultSplitSeed;
  bool hold_out_lite = false;
};

CLI::App* add_import(CLI::App& app, DataFlags& flags) {
  CLI::App* command = app.add_subcommand(
      "import", "Check the ot-full files of a folder and copy them to the data folder");
  command->add_option("folder", flags.folder, "Folder with <file>.jsonl or <file>.jsonl.gz")
      ->required();
  command->add_option("--to", flags.target, "Target (default $TELORA_DATA or the XDG data folder)");
  return command;
}

CLI::App* add_split(CLI::App& app, DataFlags& flags) {
  CLI::App* command = app.add_subcommand(
      "split", "Parts of a category, rows leaked across them, and the baselines");
  command->add_option("--category", flags.category, "Benchmark category")->required();
  command->add_option("--data", flags.data, "Folder with the ot-full files, or 'sample'");
  command->add_option("--split-method", flags.method, "group, sk, py or hf")->capture_default_str();
  command->add_option("--split-seed", flags.seed, "Seed of the split")->capture_default_str();
  CLI::Option* hold_out = command->add_flag("--hold-out-lite", flags.hold_out_lite,
                                            "Train on no row of the published small file");
  command->add_option("--lite", flags.lite, "Folder with the published small files")
      ->needs(hold_out);
  return command;
}

CLI::App* add_sample(CLI::App& app, DataFlags& flags) {
  CLI::App* command = app.add_subcommand("sample", "Write the embedded sample as JSON Lines files");
  command->add_option("--out", flags.out, "Folder to write to")->required();
  return command;
}

int import_data(const DataFlags& flags) {
  const DataSource source =
      find_source(flags.target.empty() ? std::nullopt : std::optional(flags.target));
  if (source.sample) throw Error(ErrorKind::kUsage, "--to: found 'sample', want a folder");
  const ImportSummary summary = import_folder(flags.folder, source.folder);
  for (const ImportedFile& file : summary.files) {
    fmt::print("{:14} {:>6} rows  sha256 {}{}{}  {}\n", file.category, file.rows,
               file.sha256.substr(0, 12), file.verified ? " verified" : "",
               file.unchanged ? ", unchanged" : "", file.path.string());
  }
  for (const std::string& name : summary.absent)
    fmt::print("{:14} no file in {}\n", name, flags.folder);
  return 0;
}

std::vector<size_t> held_out_rows(const DataFlags& flags, const Category& category,
                                  const std::vector<Example>& examples) {
  std::vector<size_t> rows = rows_held_out({flags.hold_out_lite, flags.lite}, category, examples);
  if (flags.hold_out_lite)
    fmt::print("{} rows of the published small file held out of training\n", rows.size());
  return rows;
}

int show_split(const DataFlags& flags) {
  const Category& category = find_category(flags.category);
  const DataSet data = load_category(
      find_source(flags.data.empty() ? std::nullopt : std::optional(flags.data)), category);
  const Split split = make_split(data.examples, category, flags.method, flags.seed,
                                 held_out_rows(flags, category, data.examples));
  fmt::print("{} from {}: {} rows, sha256 {}\n", category.name, data.origin, data.examples.size(),
             data.sha256);
  fmt::print("split {} seed {}: {} training, {} validation, {} test; digest {}\n", split.method,
             split.seed, split.train.size(), split.validation.size(), split.test.size(),
             split_digest(split));
  fmt::print("test rows whose group is in training too: {} of {}\n",
             leaked_test_rows(split, data.examples), split.test.size());
  for (const Baseline& b :
       shortcut_baselines(category.kind, examples_at(data.examples, split.train),
                          examples_at(data.examples, split.test))) {
    fmt::print("  {:28} {:6.2f} % of the test part\n", b.name, 100.0 * b.rate());
  }
  return 0;
}

}  // namespace

int data_command(int argc, char** argv) {
  CLI::App app("Bring in, split and look at benchmark data.", "lora-data");
  DataFlags flags;
  const CLI::App* import = add_import(app, flags);
  const CLI::App* split = add_split(app, flags);
  add_sample(app, flags);
  const Subcommand lint = add_data_lint(app);
  app.require_subcommand(1);
  set_up_command(app, "lora-data split --category oran-bench --data sample");
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  if (import->parsed()) return import_data(flags);
  if (split->parsed()) return show_split(flags);
  if (lint.app->parsed()) return lint.run();
  write_sample(flags.out);
  return 0;
}

}  // namespace telora
