#include "data/prompt.h"

#include <algorithm>

#include "core/digest.h"
#include "tests/data/support.h"

namespace telora {
namespace {

using ::testing::ElementsAre;

Example example(const std::string& question, const std::vector<std::string>& options,
                size_t answer) {
  return {.id = "x/0",
          .row = 0,
          .question = question,
          .options = options,
          .answer = answer,
          .source = {"secret-label"},
          .group = {},
          .number = {}};
}

TEST(Prompt, LettersFollowTheOfficialFormat) {
  const Prompt prompt =
      make_prompt(find_category("teleqna"), example("Which unit?", {"dBm", "Hz", "bit"}, 1));
  EXPECT_EQ(prompt.user,
            "Answer the following multiple choice question. The entire content of your response "
            "should be of the following format: 'ANSWER: $LETTER' (without quotes) where LETTER is "
            "one of A,B,C.\n\nWhich unit?\n\nA) dBm\nB) Hz\nC) bit");
  EXPECT_EQ(prompt.target, "ANSWER: B");
  EXPECT_THAT(prompt.candidates, ElementsAre("ANSWER: A", "ANSWER: B", "ANSWER: C"));
}

TEST(Prompt, SubstitutedTextIsNotExpandedAgain) {
  const Prompt prompt =
      make_prompt(find_category("oran-bench"),
                  example("Is {choices} or {letters} a {set}?", {"{question}", "}{"}, 0));
  EXPECT_THAT(prompt.user,
              ::testing::HasSubstr("one of A,B.\n\nIs {choices} or {letters} a {set}?\n\n"
                                   "A) {question}\nB) }{"));
}

TEST(Prompt, SpacesOfQuestionAndOptionsStay) {
  const Prompt prompt = make_prompt(find_category("teleqna"), example(" Q \n", {" a", "b "}, 0));
  EXPECT_THAT(prompt.user, ::testing::EndsWith(".\n\n Q \n\n\nA)  a\nB) b "));
}

TEST(Prompt, WorkingGroupRowIsTheWholePrompt) {
  const Category& category = find_category("3gpp-tsg");
  const std::string question = "List: {'CT1'}\n\n###TEXT:\n{some {answer} text}\n";
  const Prompt prompt = make_prompt(category, example(question, category.classes, 9));
  EXPECT_EQ(prompt.user, question);
  EXPECT_EQ(prompt.target, R"({"WORKING GROUP": "RAN_AH1"})");
  EXPECT_EQ(prompt.candidates.size(), 16U);
  EXPECT_EQ(prompt.candidates[0], R"({"WORKING GROUP": "CT1"})");
}

TEST(Prompt, CauseIsBoxed) {
  const Category& category = find_category("telelogs");
  const Prompt prompt =
      make_prompt(category, example("Which cause? \\boxed{{}}", category.classes, 2));
  EXPECT_EQ(prompt.user, "Which cause? \\boxed{{}}");
  EXPECT_EQ(prompt.target, "\\boxed{C3}");
  EXPECT_EQ(prompt.candidates.size(), 8U);
  EXPECT_TRUE(prompt.system.empty());
  EXPECT_EQ(gold_text(category, example("", category.classes, 7)), "C8");
}

TEST(Prompt, NumberHasASystemMessageAndNoCandidates) {
  const Category& category = find_category("telemath");
  Example row = example("How many?", {}, 0);
  row.number = "7.2e-05";
  const Prompt prompt = make_prompt(category, row);
  EXPECT_EQ(prompt.user, "How many?");
  EXPECT_EQ(prompt.target, "\\boxed{7.2e-05}");
  EXPECT_TRUE(prompt.candidates.empty());
  EXPECT_EQ(gold_text(category, row), "7.2e-05");
}

// The harness's system message as it is sent: 1,377 characters, single braces.
TEST(Prompt, SystemMessageIsTheRenderedOne) {
  const std::string& system = find_category("telemath").system;
  EXPECT_THAT(system, ::testing::StartsWith("You are an expert problem solver. Your task is to"));
  EXPECT_THAT(system, ::testing::HasSubstr("guidelines:\n1.  **Understand the Goal:** Clearly"));
  EXPECT_THAT(system, ::testing::HasSubstr("\n    *   Track units throughout"));
  EXPECT_THAT(system, ::testing::HasSubstr("NOT `\\$\\boxed{Result: 50}\\$` or"));
  EXPECT_THAT(system, ::testing::EndsWith("but `\\$\\boxed{50}\\$`)."));
  EXPECT_EQ(system.find("{{"), std::string::npos);
  EXPECT_EQ(std::ranges::count(system, '\n'), 10);
  EXPECT_EQ(sha256(system), "2a49969a405c0b8cd38b815aa5581542b89710e91347a4ec4c9f143ba4a2a1b8");
}

TEST(Prompt, SourceNeverShows) {
  for (const Category& category : categories()) {
    const std::vector<std::string> options =
        category.kind == TaskKind::kLetters ? std::vector<std::string>{"a", "b"} : category.classes;
    const Prompt prompt = make_prompt(category, example("Q", options, 0));
    EXPECT_EQ((prompt.system + prompt.user).find("secret"), std::string::npos);
    if (options.empty()) continue;
    EXPECT_EQ(prompt.target, prompt.candidates.at(0));
  }
}

}  // namespace
}  // namespace telora
