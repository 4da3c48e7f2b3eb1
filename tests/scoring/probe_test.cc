#include "scoring/probe.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "core/error.h"
#include "core/random.h"
#include "scoring/free_baselines.h"
#include "scoring/surface.h"
#include "tests/scoring/published.h"

namespace telora {
namespace {

// Questions whose right option alone says "limit", at a drawn place.
std::vector<Example> telling_rows(int count, uint64_t seed) {
  RandomStream stream(stream_key(seed, "rows"));
  std::vector<Example> rows;
  for (int i = 0; i < count; ++i) {
    Example row;
    row.question = "What now?";
    for (int option = 0; option < 4; ++option) {
      row.options.push_back("raise value" + std::to_string(stream.below(30)) + " quickly");
    }
    row.answer = stream.below(4);
    row.options[row.answer] = "limit value" + std::to_string(stream.below(30)) + " quickly";
    rows.push_back(row);
  }
  return rows;
}

TEST(OptionsProbe, FindsTheTellingWord) {
  const auto training = telling_rows(100, 1), validation = telling_rows(40, 2),
             test = telling_rows(40, 3);
  const Baseline score = options_probe({training, validation, test});
  EXPECT_EQ(score.expected, 40);
  EXPECT_EQ(score.n, 40);
  EXPECT_EQ(score.marks.size(), 40U);
  EXPECT_FALSE(score.detail.empty());
}

TEST(OptionsProbe, IsTheSameTwice) {
  const auto training = telling_rows(60, 1), validation = telling_rows(20, 2),
             test = telling_rows(20, 3);
  const Baseline one = options_probe({training, validation, test});
  const Baseline two = options_probe({training, validation, test});
  EXPECT_EQ(one.marks, two.marks);
  EXPECT_EQ(one.detail, two.detail);
}

// Which row's answer is asked for does not enter the choice of the model.
TEST(OptionsProbe, TheTestPartTeachesNothing) {
  const auto training = telling_rows(60, 1), validation = telling_rows(20, 2);
  auto test = telling_rows(20, 3);
  const Baseline right = options_probe({training, validation, test});
  for (Example& row : test) row.answer = (row.answer + 1) % 4;
  const Baseline wrong = options_probe({training, validation, test});
  EXPECT_EQ(right.expected, 20);
  EXPECT_EQ(wrong.expected, 0);
  EXPECT_EQ(right.detail, wrong.detail);
}

TEST(SurfaceProbe, FindsTheLongestAndThePlace) {
  auto training = telling_rows(100, 1), validation = telling_rows(40, 2),
       test = telling_rows(40, 3);
  for (auto* part : {&training, &validation, &test}) {
    for (Example& row : *part) row.options[row.answer] += " and much more than that";
  }
  EXPECT_EQ(surface_probe({training, validation, test}).expected, 40);
}

TEST(SurfaceProbe, FeaturesStayBelowTheirSize) {
  Example row;
  row.question = "Which of these?";
  for (int i = 0; i < 10; ++i) {
    row.options.push_back(std::to_string(i + 1) + ". All of the above (A-B), 12345 " +
                          std::string(static_cast<size_t>(1) << i, 'x'));
  }
  const std::vector<Features> options = surface_features(row);
  ASSERT_EQ(options.size(), 10U);
  for (const Features& features : options) {
    for (size_t i = 0; i < features.size(); ++i) {
      EXPECT_LT(features[i].index, surface_size());
      if (i == 0) continue;
      EXPECT_LT(features[i - 1].index, features[i].index);
    }
  }
  row.options = {"", ""};
  EXPECT_EQ(surface_features(row).size(), 2U);
}

TEST(TextProbe, FindsTheClassByItsWords) {
  const auto rows = [](int count) {
    std::vector<Example> made;
    for (int i = 0; i < count; ++i) {
      Example& row = made.emplace_back();
      row.options = {"SA1", "SA2", "RAN1"};
      row.answer = static_cast<size_t>(i) % 3;
      row.question = std::string("head ") + std::array{"radio", "charging", "slice"}[row.answer] +
                     " text" + std::to_string(i % 5);
    }
    return made;
  };
  const auto training = rows(60), validation = rows(15), test = rows(15);
  EXPECT_EQ(text_probe({training, validation, test}).expected, 15);
}

TEST(Probes, NeedRowsToLearnAndToChoose) {
  const auto rows = telling_rows(5, 1);
  EXPECT_THROW(options_probe({{}, rows, rows}), Error);
  EXPECT_THROW(surface_probe({rows, {}, rows}), Error);
  EXPECT_EQ(options_probe({rows, rows, {}}).n, 0);
}

TEST(FreeBaselines, TheBestIsA0) {
  const auto training = telling_rows(60, 1), validation = telling_rows(20, 2),
             test = telling_rows(20, 3);
  const Category& category = find_category("teletables");
  const std::vector<Baseline> all = free_baselines(category, training, validation, test);
  EXPECT_EQ(all.size(), 6U);
  EXPECT_EQ(best_of(all).name, "probe: words of the options");
  const std::vector<Baseline> untrained = untrained_baselines(category, training, test);
  for (size_t i = 0; i < untrained.size(); ++i) EXPECT_EQ(untrained[i].name, all[i].name);
  EXPECT_THROW(best_of({}), Error);
  const std::vector<double> gold = gold_shares(test);
  EXPECT_NEAR(gold[0] + gold[1] + gold[2] + gold[3], 1, 1e-12);
}

using Probe = Baseline (*)(const ProbeParts&);

// Percent right on the test part of each published split, as others measured it with other
// programs: TF-IDF and logistic regression over options, a linear SVM over texts, boosted trees
// over how options look.
struct Published {
  const char* category;
  Probe probe;
  double py, hf, sk;
};

void expect_near_published(const Published& published) {
  const published::Rows rows(published.category);
  for (const auto& [method, percent] :
       {std::pair{"py", published.py}, {"hf", published.hf}, {"sk", published.sk}}) {
    const Split split = make_split(rows.all, rows.category, method, 42);
    const Baseline score = published.probe({examples_at(rows.all, split.train),
                                            examples_at(rows.all, split.validation),
                                            examples_at(rows.all, split.test)});
    EXPECT_NEAR(100 * score.rate(), percent, 3)
        << published.category << ' ' << method << ' ' << score.name << ' ' << score.detail;
  }
}

TEST(PublishedProbes, SurfaceWithinThreePoints) {
  TELORA_NEEDS_PUBLISHED_DATA();
  expect_near_published({"teleqna", surface_probe, 48.0, 43.9, 45.9});
  expect_near_published({"6g-bench", surface_probe, 57.5, 59.6, 55.6});
  expect_near_published({"oran-bench", surface_probe, 50.3, 50.0, 55.0});
  expect_near_published({"srsran-bench", surface_probe, 82.1, 81.4, 80.1});
  expect_near_published({"teletables", surface_probe, 25, 29, 25});
}

TEST(PublishedProbes, WordsWithinThreePoints) {
  TELORA_NEEDS_PUBLISHED_DATA();
  expect_near_published({"teleqna", options_probe, 33.3, 33.4, 33.5});
  expect_near_published({"6g-bench", options_probe, 74.0, 74.8, 76.8});
  expect_near_published({"oran-bench", options_probe, 40.0, 44.0, 34.0});
  expect_near_published({"srsran-bench", options_probe, 56.8, 53.2, 58.8});
  expect_near_published({"teletables", options_probe, 18, 21, 21});
  expect_near_published({"3gpp-tsg", text_probe, 66.8, 64.3, 68.5});
}

}  // namespace
}  // namespace telora
