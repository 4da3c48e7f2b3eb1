#include <nlohmann/json.hpp>

#include "core/document.h"
#include "support.h"

namespace telora {
namespace {

Document json(std::string_view text) { return Document::parse_json(text, "f.json"); }

// The message of reading a field the wrong way.
template <typename Read>
std::string refusal(std::string_view text, Read&& read) {
  const Document document = json(text);
  return error_of(ErrorKind::kData, [&] {
    Fields fields(document);
    read(fields);
  });
}

TEST(FieldsTest, ReadsEveryKind) {
  const Document document = json(
      R"({"s":"x","i":-7,"n":2.5,"w":16,"b":true,"z":null,"ss":["a","b"],"ii":[1,2],
          "nn":[1,2.5],"o":{"k":1},"oo":[{"k":1},{"k":2}],"r":[[1]]})");
  Fields fields(document);
  EXPECT_EQ(fields.string("s"), "x");
  EXPECT_EQ(fields.string("s", {"w", "x"}), "x");
  EXPECT_EQ(fields.integer("i"), -7);
  EXPECT_EQ(fields.number("n"), 2.5);
  EXPECT_EQ(fields.number("w"), 16.0);
  EXPECT_TRUE(fields.boolean("b"));
  EXPECT_TRUE(fields.has("z") && fields.is_null("z") && !fields.is_null("s"));
  EXPECT_FALSE(fields.has("absent") || fields.is_null("absent"));
  EXPECT_EQ(fields.strings("ss"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(fields.integers("ii"), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(fields.numbers("nn"), (std::vector<double>{1, 2.5}));
  EXPECT_EQ(fields.object("o").integer("k"), 1);
  EXPECT_EQ(fields.objects("oo").at(1).integer("k"), 2);
  EXPECT_EQ(fields.raw("r")[0][0], 1);
  fields.ignore("z");
  EXPECT_NO_THROW(fields.finish());
  EXPECT_EQ(fields.keys().front(), "s");
  EXPECT_EQ(fields.keys().size(), 12u);
}

TEST(FieldsTest, NothingIsConvertedSilently) {
  const auto integer = [](Fields& fields) { fields.integer("a"); };
  const auto number = [](Fields& fields) { fields.number("a"); };
  for (const char* value : {"true", "8.0", "8.5", "\"8\"", "null", "[8]", "{}",
                            "9223372036854775808", "18446744073709551615"}) {
    EXPECT_TRUE(
        names(refusal("{\"a\":" + std::string(value) + "}", integer), {"f.json: a", "an integer"}))
        << value;
  }
  for (const char* value : {"true", "\"8\"", "null", "[8]", "9007199254740993"}) {
    EXPECT_TRUE(names(refusal("{\"a\":" + std::string(value) + "}", number),
                      {"f.json: a", "a finite number"}))
        << value;
  }
  EXPECT_TRUE(names(refusal(R"({"a":1})", [](Fields& f) { f.boolean("a"); }), {"true or false"}));
  EXPECT_TRUE(names(refusal(R"({"a":1})", [](Fields& f) { f.string("a"); }), {"found 1", "text"}));
  EXPECT_TRUE(names(refusal(R"({"a":{}})", [](Fields& f) { f.strings("a"); }), {"a list"}));
  EXPECT_TRUE(names(refusal(R"({"a":[]})", [](Fields& f) { f.object("a"); }), {"a list of 0"}));
}

TEST(FieldsTest, RangesIncludeOrExcludeTheirEnds) {
  const Document document = json(R"({"i":8,"n":0.5})");
  Fields fields(document);
  EXPECT_EQ(fields.integer("i", {.min = 8, .max = 8}), 8);
  const auto message = [&](auto read) { return error_of(ErrorKind::kData, read); };
  EXPECT_TRUE(names(message([&] { fields.integer("i", {.min = 9}); }),
                    {"i at line 1: found 8", "an integer >= 9"}));
  EXPECT_TRUE(
      names(message([&] { fields.integer("i", {.min = 1, .max = 8, .max_excluded = true}); }),
            {"an integer >= 1 and < 8"}));
  EXPECT_TRUE(names(message([&] { fields.number("n", {.max = 0.5, .max_excluded = true}); }),
                    {"n at line 1: found 0.5", "a finite number < 0.5"}));
  EXPECT_EQ(fields.number("n", {.min = 0, .max = 0.5, .min_excluded = true}), 0.5);
}

TEST(FieldsTest, ItemsOfListsAreNamedByIndex) {
  EXPECT_TRUE(names(refusal(R"({"a":["x",1]})", [](Fields& f) { f.strings("a"); }),
                    {"f.json: a[1]", "found 1"}));
  EXPECT_TRUE(names(refusal(R"({"a":[1,2.5]})", [](Fields& f) { f.integers("a"); }), {"a[1]"}));
  EXPECT_TRUE(names(refusal(R"({"a":[1,-1]})", [](Fields& f) { f.numbers("a", {.min = 0}); }),
                    {"a[1]", ">= 0"}));
  EXPECT_TRUE(names(refusal(R"({"a":[{"b":[{"c":1}]}]})",
                            [](Fields& f) { f.objects("a")[0].objects("b")[0].string("c"); }),
                    {"f.json: a[0].b[0].c", "found 1"}));
  EXPECT_TRUE(names(refusal(R"({"a":[{},7]})", [](Fields& f) { f.objects("a"); }), {"a[1]"}));
}

TEST(FieldsTest, UnknownKeyIsNamedWithTheNearestKnownOne) {
  const Document document =
      Document::parse_yaml("train:\n  rank: 8\n  learing_rate: 1\n", "r.yaml");
  Fields train = Fields(document).object("train");
  train.integer("rank");
  EXPECT_TRUE(names(error_of(ErrorKind::kConfig, [&] { train.number("learning_rate"); }),
                    {"r.yaml: train.learning_rate", "no such key", "\"learing_rate\""}));
  EXPECT_TRUE(names(error_of(ErrorKind::kConfig, [&] { train.finish(); }),
                    {"r.yaml: train.learing_rate at 3:3", "unknown key", "\"learning_rate\""}));
}

TEST(FieldsTest, UnknownKeyWithoutANeighbourListsTheKnownOnes) {
  EXPECT_TRUE(names(refusal(R"({"rank":1,"completely_else":2})",
                            [](Fields& f) {
                              f.integer("rank");
                              f.finish();
                            }),
                    {"f.json: completely_else", "known keys: \"rank\""}));
}

TEST(FieldsTest, WrongWordGetsTheNearestAllowedOne) {
  EXPECT_TRUE(names(
      refusal(R"({"a":"cosin"})",
              [](Fields& f) {
                f.string("a", {"cosine", "linear"});
              }),
      {"f.json: a", "\"cosin\"", "one of \"cosine\", \"linear\"", "did you mean \"cosine\"?"}));
}

TEST(FieldsTest, ARowOfAJsonlFileGivesItsLine) {
  const Document document = Document::parse_json(R"({"a":1})", "rows.jsonl", 17);
  EXPECT_TRUE(names(error_of(ErrorKind::kData, [&] { Fields(document).string("a"); }),
                    {"rows.jsonl: a at line 17"}));
}

TEST(FieldsTest, TheKindOfTheDocumentIsKept) {
  const Document document = Document::parse_json("{}", "manifest.json", 1, ErrorKind::kIntegrity);
  error_of(ErrorKind::kIntegrity, [&] { Fields(document).string("a"); });
}

TEST(FieldsTest, OutlivesTheDocumentItCameFrom) {
  std::vector<Fields> rows;
  {
    const Document document = json(R"({"a":[{"b":"text that is longer than sixteen bytes"}]})");
    rows = Fields(document).objects("a");
  }
  EXPECT_EQ(rows[0].string("b"), "text that is longer than sixteen bytes");
}

}  // namespace
}  // namespace telora
