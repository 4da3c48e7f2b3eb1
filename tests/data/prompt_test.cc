#include "data/prompt.h"

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
          .group = {}};
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

TEST(Prompt, SourceNeverShows) {
  for (const Category& category : categories()) {
    const std::vector<std::string> options =
        category.kind == TaskKind::kLetters ? std::vector<std::string>{"a", "b"} : category.classes;
    const Prompt prompt = make_prompt(category, example("Q", options, 0));
    EXPECT_EQ(prompt.user.find("secret"), std::string::npos);
    EXPECT_EQ(prompt.target, prompt.candidates[0]);
  }
}

}  // namespace
}  // namespace telora
