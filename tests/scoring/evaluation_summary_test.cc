#include "scoring/evaluation_summary.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/files.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

TEST(EvaluationSummary, HoldsSpeedOfEachSubject) {
  const golden::Scratch folder;
  write_summary(folder / "summary.json", {.questions = 10,
                                          .prompt_tokens = 5000,
                                          .encode_seconds = 0.5,
                                          .subjects = {{"base", 4}, {"adapter", 0}},
                                          .peak_rss_bytes = 7});
  const auto read = nlohmann::json::parse(read_text(folder / "summary.json"));
  EXPECT_EQ(read["questions"], 10);
  EXPECT_EQ(read["encode_seconds"], 0.5);
  EXPECT_EQ(read["peak_rss_bytes"], 7);
  EXPECT_EQ(read["subjects"][0]["questions_per_second"], 2.5);
  EXPECT_EQ(read["subjects"][0]["prompt_tokens_per_second"], 1250);
  EXPECT_EQ(read["subjects"][1]["questions_per_second"], 0);  // not infinite
}

}  // namespace
}  // namespace telora
