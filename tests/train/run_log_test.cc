#include "train/run_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.h"

namespace telora {
namespace {

namespace fs = std::filesystem;

class RunLogTest : public testing::Test {
 protected:
  RunLogTest() {
    std::string pattern = (fs::temp_directory_path() / "run-log-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    path_ = folder_ / "metrics.jsonl";
  }
  ~RunLogTest() override { fs::remove_all(folder_); }

  std::string text() const {
    std::ostringstream out;
    out << std::ifstream(path_).rdbuf();
    return out.str();
  }

  void write_steps(int64_t first, int64_t last, int64_t keep) {
    RunLog log = RunLog::open(path_, keep);
    for (int64_t step = first; step <= last; ++step) {
      log.write(
          StepRecord{.step = step, .epoch = 0.1 * static_cast<double>(step), .loss = 1.0 / 3});
      if (step % 2 == 0) log.write(EvaluationRecord{.step = step, .split = "validation", .n = 7});
    }
  }

  fs::path folder_;
  fs::path path_;
};

TEST_F(RunLogTest, WritesTheKeysInOrderWithTimingsLast) {
  RunLog log = RunLog::open(path_, 0);
  log.write(StepRecord{.step = 3,
                       .epoch = 0.25,
                       .loss = 1.0 / 3,
                       .lr = 5e-4,
                       .grad_norm = 1e-7,
                       .tokens = 4096,
                       .tokens_total = 12288,
                       .seconds = 1.5,
                       .tokens_per_second = 8192});
  EXPECT_EQ(text(), R"({"step": 3, "epoch": 0.25, "loss": 0.3333333333333333, "lr": 0.0005, )"
                    R"("grad_norm": 1e-07, "tokens": 4096, "tokens_total": 12288, "seconds": 1.5, )"
                    R"("tokens_per_second": 8192})"
                    "\n");
}

TEST_F(RunLogTest, WritesEvaluations) {
  RunLog log = RunLog::open(path_, 0);
  log.write(EvaluationRecord{.step = 4, .epoch = 1, .split = "validation", .n = 744, .loss = 0.5});
  log.write(EvaluationRecord{.step = 8,
                             .epoch = 2,
                             .split = "validation",
                             .n = 744,
                             .loss = 0.25,
                             .selection_accuracy = 0.75,
                             .best = true,
                             .seconds = 9});
  EXPECT_EQ(text(),
            R"({"step": 4, "epoch": 1, "evaluation": "validation", "n": 744, "loss": 0.5, )"
            R"("best": false, "seconds": 0})"
            "\n"
            R"({"step": 8, "epoch": 2, "evaluation": "validation", "n": 744, "loss": 0.25, )"
            R"("selection_accuracy": 0.75, "best": true, "seconds": 9})"
            "\n");
}

TEST_F(RunLogTest, NumbersReadBackExactly) {
  const double values[] = {1.0 / 3, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 123456789.123456789};
  RunLog log = RunLog::open(path_, 0);
  for (const double value : values) log.write(StepRecord{.step = 1, .loss = value});
  std::ifstream lines(path_);
  for (const double value : values) {
    std::string line;
    std::getline(lines, line);
    EXPECT_EQ(nlohmann::json::parse(line).at("loss").get<double>(), value);
  }
}

TEST_F(RunLogTest, WhatIsNotFiniteIsNull) {
  RunLog log = RunLog::open(path_, 0);
  log.write(StepRecord{.step = 1, .loss = NAN, .grad_norm = INFINITY});
  const nlohmann::json line = nlohmann::json::parse(text());
  EXPECT_TRUE(line.at("loss").is_null());
  EXPECT_TRUE(line.at("grad_norm").is_null());
}

TEST_F(RunLogTest, ResumingGivesTheFileOfAnUnbrokenRun) {
  write_steps(1, 9, 0);
  const std::string unbroken = text();
  write_steps(1, 7, 0);
  write_steps(5, 9, 4);
  EXPECT_EQ(text(), unbroken);
}

TEST_F(RunLogTest, DropsALineCutShort) {
  write_steps(1, 3, 0);
  const std::string whole = text();
  std::ofstream(path_, std::ios::app) << R"({"step": 4, "epo)";
  RunLog::open(path_, 100);
  EXPECT_EQ(text(), whole);
}

TEST_F(RunLogTest, ALineThatIsNoRecordIsAnErrorAndTheFileStays) {
  std::ofstream(path_) << "{\"step\": 1}\nhello\n";
  const std::string before = text();
  try {
    RunLog::open(path_, 5);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), testing::HasSubstr("metrics.jsonl"));
    EXPECT_THAT(error.what(), testing::HasSubstr("2"));
  }
  EXPECT_EQ(text(), before);
}

TEST_F(RunLogTest, AFreshRunDropsAnOldLog) {
  std::ofstream(path_) << "anything";
  RunLog::open(path_, 0);
  EXPECT_EQ(text(), "");
}

TEST_F(RunLogTest, AFolderThatIsMissingIsAnError) {
  try {
    RunLog::open(folder_ / "absent" / "metrics.jsonl", 0);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCannotCreate);
  }
}

}  // namespace
}  // namespace telora
