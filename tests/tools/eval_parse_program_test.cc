// lora-eval parse as a user meets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "tests/golden/scratch.h"
#include "tests/tools/program.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::HasSubstr;

class EvalParse : public testing::Test {
 protected:
  ProgramResult parse(const std::string& lines, std::vector<std::string> more) const {
    publish(folder_ / "answers.jsonl", lines);
    more.insert(more.begin(), {"parse", folder_ / "answers.jsonl"});
    return run_program("lora-eval", more);
  }

  void expect_refused(const ProgramResult& result, int code,
                      const std::vector<std::string>& parts) const {
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    for (const std::string& part : parts) EXPECT_THAT(result.err, HasSubstr(part));
  }

  Scratch folder_;
};

const std::string kLetters = R"({"id": "a", "output": "ANSWER: B", "gold": "B"})"
                             "\n\n"
                             R"({"id": "b", "output": "answer: c", "gold": "C"})"
                             "\n"
                             R"({"id": "c", "output": "ANSWER: E", "gold": "A", "options": 5})"
                             "\n";

TEST_F(EvalParse, OneLineOutForEveryLineIn) {
  const ProgramResult official = parse(kLetters, {"--category", "oran-bench", "--json"});
  EXPECT_EQ(official.exit_code, 0) << official.err;
  EXPECT_EQ(official.out,
            "{\"id\":\"a\",\"parsed\":\"B\",\"correct\":true}\n"
            "{\"id\":\"b\",\"parsed\":null,\"correct\":false}\n"
            "{\"id\":\"c\",\"parsed\":\"E\",\"correct\":false}\n");
  const ProgramResult current =
      parse(kLetters, {"--category", "oran-bench", "--parser", "inspect-current", "--json"});
  EXPECT_THAT(current.out, HasSubstr("{\"id\":\"b\",\"parsed\":\"C\",\"correct\":true}"));
}

TEST_F(EvalParse, TableEndsWithTheCount) {
  const ProgramResult table = parse(kLetters, {"--category", "oran-bench"});
  EXPECT_EQ(table.exit_code, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("1 of 3 right, 1 not understood; read by inspect-legacy v1"));
}

TEST_F(EvalParse, TheCategoryDecidesHowManyOptionsThereAre) {
  const std::string line = R"({"id": "a", "output": "ANSWER: E", "gold": "E"})";
  EXPECT_THAT(parse(line, {"--category", "teletables", "--json"}).out, HasSubstr("true"));
  expect_refused(parse(line, {"--category", "oran-bench"}), 65, {"gold", "\"E\"", "\"D\""});
}

TEST_F(EvalParse, ClassesAndNumbers) {
  const std::string cause = R"({"id": "a", "output": "so \\boxed{3}", "gold": "C3"})";
  EXPECT_EQ(parse(cause, {"--category", "telelogs", "--json"}).out,
            "{\"id\":\"a\",\"parsed\":\"C3\",\"correct\":true}\n");
  EXPECT_THAT(
      parse(cause, {"--category", "telelogs", "--parser", "boxed-cause-hard", "--json"}).out,
      HasSubstr("\"parsed\":null,\"correct\":false"));
  const std::string number = R"({"id": "a", "output": "\\boxed{0}", "gold": 0.004})"
                             "\n"
                             R"({"id": "b", "output": "\\boxed{50 W}", "gold": "50.0"})"
                             "\n";
  EXPECT_EQ(parse(number, {"--category", "telemath", "--json"}).out,
            "{\"id\":\"a\",\"parsed\":\"0\",\"correct\":true}\n"
            "{\"id\":\"b\",\"parsed\":\"50 W\",\"correct\":false}\n");
}

TEST_F(EvalParse, WrongRequestsAreOneLine) {
  expect_refused(parse(kLetters, {"--category", "oran-bench", "--parser", "leniant"}), 64,
                 {"parser", "leniant", "did you mean lenient?"});
  expect_refused(parse(kLetters, {"--category", "oran-bench", "--parser", "boxed-number"}), 64,
                 {"parser", "boxed-number", "oran-bench", "inspect-legacy"});
  expect_refused(parse(kLetters, {"--category", "3gpp-tsg", "--parser", "boxed-cause"}), 64,
                 {"boxed-cause", "working-group-exact"});
  expect_refused(parse(kLetters, {"--category", "oran"}), 64, {"category", "oran-bench"});
  expect_refused(run_program("lora-eval", {"parse", folder_ / "nowhere", "--category", "telelogs"}),
                 66, {"nowhere"});
}

TEST_F(EvalParse, BadLinesAreNamed) {
  const auto refused = [&](const std::string& line, const std::vector<std::string>& parts) {
    std::vector<std::string> all = parts;
    all.push_back("answers.jsonl");
    expect_refused(parse(kLetters + line, {"--category", "oran-bench", "--json"}), 65, all);
  };
  refused("{", {"5"});
  refused(R"({"id": "x", "gold": "A"})", {"5", "output"});
  refused(R"({"id": "x", "output": "", "gold": "a"})", {"5", "gold"});
  refused(R"({"id": "x", "output": "", "gold": "A", "option": 4})", {"5", "option"});
  refused(R"({"id": "x", "output": "", "gold": "A", "options": 1})", {"5", "options"});
  refused(R"({"id": 7, "output": "", "gold": "A"})", {"5", "id"});
  expect_refused(parse("\n", {"--category", "oran-bench"}), 66, {"answers.jsonl", "none"});
}

}  // namespace
}  // namespace telora
