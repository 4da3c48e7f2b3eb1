#include "data/reader.h"

#include "tests/data/support.h"

namespace telora {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;
using testing::TemporaryFolder;

const char* const kGood =
    R"({"question": "Which band?", "choices": ["n1", "n3", "n78"], "answer": 2, "subject": "Lexicon"})";

std::vector<Example> read(const std::vector<std::string>& lines,
                          const std::string& category = "teleqna") {
  return read_examples(lines, "rows.jsonl", find_category(category));
}

void expect_bad(const std::string& line, const std::vector<std::string>& parts) {
  std::vector<std::string> wanted = parts;
  wanted.insert(wanted.end(), {"rows.jsonl", "2"});
  expect_error(ErrorKind::kData, wanted, [&] { read({kGood, line, kGood}); });
}

std::string with(const std::string& from, const std::string& to) {
  std::string line = kGood;
  return line.replace(line.find(from), from.size(), to);
}

TEST(Reader, LettersRow) {
  const std::vector<Example> rows = read({kGood, kGood});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].id, "teleqna/1");
  EXPECT_EQ(rows[1].row, 1U);
  EXPECT_EQ(rows[1].question, "Which band?");
  EXPECT_THAT(rows[1].options, ElementsAre("n1", "n3", "n78"));
  EXPECT_EQ(rows[1].answer, 2U);
}

TEST(Reader, ClassRow) {
  const std::vector<Example> rows =
      read({R"({"question": "Classify.", "answer": "RAN_AH1", "file_name": "a.txt"})"}, "3gpp-tsg");
  EXPECT_EQ(rows[0].options.size(), 16U);
  EXPECT_EQ(rows[0].options[rows[0].answer], "RAN_AH1");
  EXPECT_THAT(rows[0].source, ElementsAre("a.txt"));
}

TEST(Reader, NumberRow) {
  const auto number = [](const std::string& text) {
    return read({R"({"question": "How many?", "tags": ["a", "b"], "answer": )" + text + "}"},
                "telemath")
        .at(0)
        .number;
  };
  EXPECT_EQ(number("233.333333333333"), "233.333333333333");
  EXPECT_EQ(number("7.2e-05"), "7.2e-05");
  EXPECT_EQ(number("6.0"), "6.0");
  EXPECT_EQ(number("-12"), "-12");
  EXPECT_TRUE(
      read({R"({"question": "How many?", "answer": 1})"}, "telemath").at(0).options.empty());
}

TEST(Reader, NumberMustBeOne) {
  for (const char* text : {R"("6")", "null", "true", "[6]", "NaN", "1e400"}) {
    expect_error(ErrorKind::kData, {"rows.jsonl", "1"}, [&] {
      read({R"({"question": "How many?", "answer": )" + std::string(text) + "}"}, "telemath");
    });
  }
  expect_error(ErrorKind::kData, {"rows.jsonl", "choices"}, [] {
    read({R"({"question": "How many?", "choices": ["1", "2"], "answer": 1})"}, "telemath");
  });
}

TEST(Reader, ClassMustBeOneOfTheList) {
  expect_error(ErrorKind::kData, {"rows.jsonl", "answer", "SA9"}, [] {
    read({R"({"question": "Classify.", "answer": "SA9", "file_name": "a.txt"})"}, "3gpp-tsg");
  });
}

TEST(Reader, SourceFieldIsRequired) {
  expect_error(ErrorKind::kData, {"rows.jsonl", "file_name"},
               [] { read({R"({"question": "Classify.", "answer": "SA2"})"}, "3gpp-tsg"); });
}

TEST(Reader, EmptyQuestionAndBlankLinesAreAccepted) {
  EXPECT_EQ(read({with("Which band?", ""), "", "  \t", kGood, ""}).size(), 2U);
}

TEST(Reader, WrongSchemaNamesTheField) {
  expect_bad(with("\"question\"", "\"query\""), {"question"});
  expect_bad(with("\"Which band?\"", "7"), {"question", "7"});
  expect_bad(with("[\"n1\", \"n3\", \"n78\"]", "\"n1\""), {"choices"});
  expect_bad(with("\"n3\"", "3"), {"choices"});
  expect_bad(with("[\"n1\", \"n3\", \"n78\"]", "[\"n1\"]"), {"choices", "1 options", "2 to 10"});
  expect_bad(with("\"answer\": 2", "\"answer\": 3"), {"answer", "3"});
  expect_bad(with("\"answer\": 2", "\"answer\": -1"), {"answer", "-1"});
  expect_bad(with("\"answer\": 2", "\"answer\": true"), {"answer"});
  expect_bad(with("\"answer\": 2", "\"answer\": 1.0"), {"answer"});
  expect_bad(with("\"Lexicon\"", "[1]"), {"subject"});
  expect_bad(with("\"subject\"", "\"subjects\""), {"subjects", "subject"});
  expect_bad(with("\"answer\": 2", "\"answer\": null"), {"answer"});
}

TEST(Reader, BadJsonNamesTheLine) {
  expect_bad(with("\"answer\": 2", "\"answer\": "), {});
  expect_bad(std::string(kGood) + " " + kGood, {});
  expect_bad("[" + std::string(kGood) + "]", {});
  expect_bad(with("\"subject\": \"Lexicon\"", "\"answer\": 1"), {"answer"});
  expect_bad(with("\"answer\": 2", "\"answer\": NaN"), {});
  expect_bad(with("\"answer\": 2", "\"answer\": 1e400"), {});
  expect_bad(with("\"answer\": 2", "\"answer\": 18446744073709551616"), {});
}

TEST(Reader, EncodingsOtherThanUtf8AreRefused) {
  expect_bad("\xEF\xBB\xBF" + std::string(kGood), {});
  expect_bad(with("Which", "\xFF\xFE"), {});
  expect_bad(with("Which", "\\ud800"), {});
  expect_bad(std::string("{\0\"\0a\0", 6), {});
}

TEST(Reader, DeepNestingIsRefused) {
  expect_bad(with("\"Lexicon\"", std::string(100'000, '[')), {});
}

TEST(Reader, CutLineIsSaidToBeCut) {
  const std::string cut = std::string(kGood).substr(0, 40);
  expect_error(ErrorKind::kData, {"rows.jsonl", "2:41", "truncated?"}, [&] { read({kGood, cut}); });
}

TEST(Reader, NoRowsIsMissing) {
  const TemporaryFolder folder;
  const Category& category = find_category("teleqna");
  for (const char* text : {"", "\n\n", " \n"}) {
    const auto path = folder.write("empty.jsonl", text);
    expect_error(ErrorKind::kMissing, {"empty.jsonl"}, [&] { read_examples(path, category); });
  }
  expect_error(ErrorKind::kMissing, {"none.jsonl"},
               [&] { read_examples(folder.path() / "none.jsonl", category); });
}

TEST(Reader, GzipEqualsPlain) {
  const TemporaryFolder folder;
  const std::string text = std::string(kGood) + "\n" + kGood + "\n";
  const auto plain = read_examples(folder.write("a.jsonl", text), find_category("teleqna"));
  const auto packed =
      read_examples(folder.write_gzip("a.jsonl.gz", text), find_category("teleqna"));
  ASSERT_EQ(plain.size(), 2U);
  ASSERT_EQ(packed.size(), 2U);
  EXPECT_EQ(plain[1].question, packed[1].question);
}

TEST(Reader, GzipBombIsRefused) {
  const TemporaryFolder folder;
  const auto path = folder.write_gzip("bomb.jsonl.gz", std::string(100 << 20, ' '));
  expect_error(ErrorKind::kData, {"bomb.jsonl.gz"},
               [&] { read_examples(path, find_category("teleqna")); });
}

}  // namespace
}  // namespace telora
