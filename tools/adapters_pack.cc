#include "tools/adapters_pack.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "core/error.h"
#include "eval/score_adapters.h"
#include "eval/subject_names.h"
#include "export/pack_adapter.h"
#include "scoring/report_text.h"
#include "tools/console.h"
#include "tools/main_guard.h"

namespace telora {

namespace {

struct PackFlags {
  PackRequest request;
  std::optional<double> snr, bandwidth, deadline;
  ScoreRequest score;
  bool quiet = false;
};

void add_size(CLI::App& command, PackFlags& flags) {
  PackTarget& target = flags.request.target;
  command.add_option("--rank", target.rank, "The same rank for every module");
  command.add_option("--energy", target.energy,
                     "Share of each module's change that is kept, above 0 to 1");
  command.add_option("--bytes", target.bytes, "Size of the file");
  CLI::Option* snr = command.add_option("--snr", flags.snr, "Of a radio link, dB");
  CLI::Option* bandwidth = command.add_option("--bandwidth", flags.bandwidth, "Of it, Hz");
  CLI::Option* deadline =
      command.add_option("--deadline", flags.deadline, "Seconds in which the file must be there");
  snr->needs(bandwidth)->needs(deadline);
  bandwidth->needs(snr);
  deadline->needs(snr);
}

void add_measuring(CLI::App& command, ScoreRequest& score) {
  command.add_option("--category", score.category,
                     "Measure what is lost on this category's rows: predicted from the validation "
                     "part, measured on the test part");
  command.add_option("--data", score.data, "Folder with the ot-full files, or 'sample'");
  command.add_option("--split-method", score.split_method, "As the adapter was trained")
      ->capture_default_str();
  command.add_option("--limit", score.limit, "Of each part the first N rows only (0: all)")
      ->type_name("N")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30))
      ->capture_default_str();
}

std::string ranks_text(const Ranks& ranks) {
  const auto [least, most] = std::ranges::minmax(ranks);
  return least == most ? fmt::format("{}", least) : fmt::format("{}–{}", least, most);
}

void print_result(const PackRequest& request, const PackResult& result) {
  fmt::print("{}: rank {} → {}, {} → {} bytes, {:.1f} % of the change's energy kept\n", request.out,
             ranks_text(result.before), ranks_text(result.after),
             grouped(static_cast<int64_t>(result.bytes_before)),
             grouped(static_cast<int64_t>(result.bytes_after)), 100 * result.kept);
}

std::string score_cell(const Report& report, const std::string& subject, const char* part,
                       const char* metric) {
  const Score* score = find_score(report, subject, part, metric);
  if (score == nullptr) return fmt::format("{:>24}", "–");
  return fmt::format(
      "{:>24}", fmt::format("{} {}", percent(score->rate()), interval_text(score->interval())));
}

// The validation part was not trained on: what packing costs there is what it should cost
// elsewhere.
void print_accuracies(const Report& report, const std::string& before, const std::string& after) {
  fmt::print("\n  {:<22}{:<20}{:>24}{:>24}\n", "", "", "predicted (validation)", "measured (test)");
  for (const char* metric : {kGenerated, kSelection}) {
    for (const auto& [name, subject] : {std::pair("as trained", before), {"packed", after}}) {
      fmt::print("  {:<22}{:<20}{}{}\n", name, metric,
                 score_cell(report, subject, "validation", metric),
                 score_cell(report, subject, "test", metric));
    }
  }
}

void measure(PackFlags& flags) {
  ScoreRequest& score = flags.score;
  score.backbone = flags.request.backbone;
  score.accept_risk = flags.request.accept_risk;
  score.adapters = {flags.request.adapter, flags.request.out};
  score.parts = {"validation", "test"};
  Console console({.quiet = flags.quiet});
  score.progress = [&](const std::string& subject, int64_t done, int64_t total) {
    console.progress({.stage = "score " + subject, .step = done, .total = total});
    if (done == total) console.finish();
  };
  const std::vector<std::string> names = subject_names(score.adapters);
  print_accuracies(score_adapters(score), names.front(), names.back());
}

int run(PackFlags& flags) {
  set_up_messages(flags.quiet);
  if (flags.request.type == "q8_0" && !flags.score.category.empty()) {
    fail(ErrorKind::kUsage, {.file = "--category", .field = {}}, "with --type q8_0",
         "a PEFT folder to measure", "lora-export verify asks a GGUF adapter");
  }
  if (flags.snr) {
    if (flags.request.target.bytes) {
      fail(ErrorKind::kUsage, {.file = {}, .field = "size"}, "--bytes and --snr", "one of them");
    }
    flags.request.target.bytes = link_bytes(*flags.snr, *flags.bandwidth, *flags.deadline);
    fmt::print("the link carries {} bytes in time\n",
               grouped(static_cast<int64_t>(*flags.request.target.bytes)));
  }
  print_result(flags.request, pack_adapter(flags.request));
  if (!flags.score.category.empty()) measure(flags);
  return 0;
}

}  // namespace

Subcommand add_adapters_pack(CLI::App& app) {
  const auto flags = std::make_shared<PackFlags>();
  CLI::App* command = app.add_subcommand("pack", "The nearest adapter of a lower rank");
  PackRequest& request = flags->request;
  command->add_option("--adapter", request.adapter, "Run or PEFT folder")->required();
  request.backbone = "smollm2-135m";
  command->add_option("--backbone", request.backbone, "Name, model folder or .gguf file")
      ->capture_default_str();
  command->add_option("--out", request.out, "PEFT folder; a .gguf file for q8_0")->required();
  command->add_option("--type", request.type, "f32, f16, bf16 or q8_0")->capture_default_str();
  add_size(*command, *flags);
  add_measuring(*command, flags->score);
  command->add_flag("--accept-risk", request.accept_risk,
                    "Take adapters of other weights or with a suspicious spectrum too");
  command->add_flag("--quiet", flags->quiet, "No progress");
  return {command, [flags] { return run(*flags); }};
}

}  // namespace telora
