// lora-eval probes, called as the program calls it.
#include "tools/eval_probes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "data/sample.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::HasSubstr;

// What the command prints.
std::string printed(const std::string& arguments) {
  CLI::App app;
  const Subcommand command = add_eval_probes(app);
  app.parse("probes " + arguments);
  testing::internal::CaptureStdout();
  EXPECT_EQ(command.run(), 0);
  return testing::internal::GetCapturedStdout();
}

TEST(EvalProbes, JsonOfOneCategory) {
  const auto report = nlohmann::json::parse(
      printed("--category oran-bench --data sample --split-method py --json"));
  EXPECT_EQ(report.at("probes_version"), 1);
  const nlohmann::json& category = report.at("categories").at(0);
  EXPECT_EQ(category.at("name"), "oran-bench");
  EXPECT_EQ(category.at("gold_shares").size(), 4U);
  const nlohmann::json& split = category.at("splits").at(0);
  EXPECT_EQ(split.at("method"), "py");
  EXPECT_EQ(split.at("baselines").size(), 7U);  // constant, lengths, chance, rule, two probes
  EXPECT_EQ(category.at("all_rows").size(), 5U);
  double best = 0;
  for (const auto& baseline : split.at("baselines")) {
    best = std::max(best, baseline.at("rate").get<double>());
  }
  for (const auto& baseline : split.at("baselines")) {
    if (baseline.at("name") != split.at("a0")) continue;
    EXPECT_EQ(baseline.at("rate"), best);
  }
}

TEST(EvalProbes, TheSameBytesTwice) {
  const std::string arguments = "--category srsran-bench --data sample --json";
  EXPECT_EQ(printed(arguments), printed(arguments));
}

TEST(EvalProbes, AbsentCategoriesAreSaid) {
  const Scratch folder;
  write_sample(folder / "all");
  std::filesystem::create_directory(folder / "few");
  std::filesystem::copy(folder / "all/teletables.jsonl", folder / "few/teletables.jsonl");
  const std::string text = printed("--split-method py --data " + (folder / "few").string());
  EXPECT_THAT(text, HasSubstr("teletables · "));
  EXPECT_THAT(text, HasSubstr("6g-bench · absent from"));
  EXPECT_THAT(text, HasSubstr("* marks A₀"));
  const auto report = nlohmann::json::parse(
      printed("--split-method py --json --data " + (folder / "few").string()));
  EXPECT_EQ(report.at("categories").size(), 1U);
  EXPECT_GE(report.at("absent").size(), 5U);
}

TEST(EvalProbes, TheSampleLacksSomeCategories) {
  const auto report = nlohmann::json::parse(printed("--split-method group --json --data sample"));
  EXPECT_EQ(report.at("absent").size(), 2U);  // telelogs and telemath
  EXPECT_EQ(report.at("categories").size() + 2, categories().size());
}

TEST(EvalProbes, MissingFilesAreErrors) {
  const Scratch folder;
  const auto kind_of = [&](const std::string& arguments) {
    CLI::App app;
    const Subcommand command = add_eval_probes(app);
    app.parse("probes --data " + folder.path().string() + arguments);
    try {
      command.run();
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  };
  EXPECT_EQ(kind_of(" --category teleqna"), ErrorKind::kMissing);
  EXPECT_EQ(kind_of(""), ErrorKind::kMissing);  // nothing of any category
  EXPECT_EQ(kind_of(" --category teleqnaa"), ErrorKind::kUsage);
}

TEST(EvalProbes, LinesAreAtMostOneHundredColumns) {
  std::istringstream lines(printed("--category teleqna --data sample"));
  for (std::string line; std::getline(lines, line);) {
    const auto columns = count_code_points(line);
    EXPECT_LE(columns, 100U) << line;
  }
}

}  // namespace
}  // namespace telora
