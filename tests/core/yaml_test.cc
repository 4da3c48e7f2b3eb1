#include <nlohmann/json.hpp>

#include "core/document.h"
#include "support.h"

namespace telora {
namespace {

Document parse(std::string_view text) { return Document::parse_yaml(text, "f.yaml"); }
std::string dump(std::string_view text) { return parse(text).root().dump(); }

std::string refusal(std::string_view text) {
  return error_of(ErrorKind::kConfig, [&] { parse(text); });
}

TEST(YamlTest, ReadsBlockAndFlowStyles) {
  EXPECT_EQ(
      dump("# comment\nrank: 16\nlist:\n- a\n- {x: 1.5, y: [true, ~]}\ntext: |\n  two\n  lines\n"),
      R"({"rank":16,"list":["a",{"x":1.5,"y":[true,null]}],"text":"two\nlines\n"})");
  EXPECT_EQ(dump("{\"a\": 'it''s', b: \"\\u00e9\", c: }"), R"({"a":"it's","b":"é","c":null})");
  EXPECT_EQ(dump("---\na: 1\n...\n"), R"({"a":1})");
  EXPECT_EQ(dump("a: 1\r\nb: 2\r\n"), R"({"a":1,"b":2})");
}

TEST(YamlTest, PlainNumbersAreThoseOfJson) {
  EXPECT_EQ(dump("[0, -1, 18446744073709551615, -9223372036854775808]"),
            "[0,-1,18446744073709551615,-9223372036854775808]");
  EXPECT_EQ(dump("[0.5, -1e-5, 2E+3, 1e5]"), "[0.5,-1e-05,2000.0,100000.0]");
  EXPECT_TRUE(parse("a: 1e5").root()["a"].is_number_float());
}

TEST(YamlTest, WhatOnlyLooksLikeANumberOrTruthStaysText) {
  for (const char* text :
       {"010", "1_000",    "0x10", "0o7", ".nan", ".inf", "-.inf", "NaN",   "nan",
        "inf", "Infinity", "yes",  "no",  "on",   "off",  "True",  "FALSE", "+1",
        ".5",  "1.",       "1e",   "1e+", "1:30", "0b1",  "00",    "-01",   "1.2.3"}) {
    EXPECT_EQ(parse("a: " + std::string(text)).root()["a"], text);
  }
  EXPECT_EQ(parse("a: \"12\"").root()["a"], "12");
  EXPECT_EQ(parse("a: 'true'").root()["a"], "true");
}

TEST(YamlTest, ATypedReadOfSuchTextTellsHowItWasRead) {
  const auto read = [](const char* text) {
    const Document document = parse("top:\n  a: " + std::string(text));
    return error_of(ErrorKind::kConfig, [&] {
      Fields(document).object("top").number("a", {.min = 0, .min_excluded = true});
    });
  };
  EXPECT_TRUE(names(read("010"), {"f.yaml: top.a at 2:3", "the text \"010\"", "leading zeros"}));
  EXPECT_TRUE(names(read("1_000"), {"top.a", "the text \"1_000\"", "underscores"}));
  EXPECT_TRUE(names(read(".nan"), {"top.a", "the text \".nan\"", "a finite number > 0"}));
  EXPECT_TRUE(names(read(".inf"), {"top.a", "the text \".inf\"", "a finite number > 0"}));
  EXPECT_TRUE(names(read("-3"), {"top.a", "-3", "a finite number > 0"}));
  const Document document = parse("a: yes");
  EXPECT_TRUE(names(error_of(ErrorKind::kConfig, [&] { Fields(document).boolean("a"); }),
                    {"f.yaml: a at 1:1", "the text \"yes\"", "true or false"}));
}

TEST(YamlTest, NumbersBeyond64BitsAreRefused) {
  EXPECT_TRUE(names(refusal("lr: 1e400"), {"f.yaml: lr at 1:5", "1e400", "64 bits"}));
  EXPECT_TRUE(names(refusal("a:\n  n: 18446744073709551616"), {"f.yaml: a.n at 2:6", "64 bits"}));
  EXPECT_TRUE(names(refusal("n: -9223372036854775809"), {"f.yaml: n", "64 bits"}));
}

TEST(YamlTest, AliasBombIsRefused) {
  std::string text = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'j'; ++c) {
    text += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 9; ++i) text += std::string(i ? "," : "") + "*" + static_cast<char>(c - 1);
    text += "]\n";
  }
  EXPECT_TRUE(names(refusal(text), {"f.yaml: a at 1:4", "anchor"}));
}

TEST(YamlTest, AnchorCycleAndAliasAreRefused) {
  EXPECT_TRUE(names(refusal("&a [*a]"), {"f.yaml at 1:1", "anchor"}));
  EXPECT_TRUE(names(refusal("x: *a"), {"f.yaml", "1:4"}));
  EXPECT_TRUE(names(refusal("x: &a 1\ny: *a"), {"f.yaml: x at 1:4", "anchor"}));
  EXPECT_TRUE(names(refusal("&k x: 1"), {"f.yaml", "anchor"}));
}

TEST(YamlTest, DepthIsBounded) {
  const auto flow = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_NO_THROW(parse(flow(64)));
  EXPECT_TRUE(names(refusal(flow(65)), {"f.yaml", "1:65", "more than 64 nested levels"}));
  std::string block;
  for (int i = 0; i < 100; ++i) block += std::string(static_cast<size_t>(i), ' ') + "a:\n";
  EXPECT_TRUE(names(refusal(block), {"f.yaml: a.a.a", "65:", "nested levels"}));
}

TEST(YamlTest, HostileMegabytesAreJudgedFast) {
  const auto repeated = [](std::string_view unit) {
    std::string text;
    while (text.size() + unit.size() <= 1'000'000) text += unit;
    return text;
  };
  for (const char* unit :
       {"[",   "{a: ", "[\n",   "- ",   "[a,",   ",",         "? ",   ": ", "k: ", "!a ",
        "&a ", "*a ",  "---\n", "%X\n", "# x\n", "- - - a\n", "[]\n", "\n", "''",  "\"\"\n"}) {
    const std::string text = repeated(unit);
    const double seconds = cpu_seconds([&] {
      try {
        parse(text);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kConfig);
      }
    });
    EXPECT_LT(seconds, kHostileSeconds) << unit;
  }
}

TEST(YamlTest, AHundredThousandFlatKeysAreRefusedFast) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  EXPECT_LT(cpu_seconds([&] {
              EXPECT_TRUE(names(refusal(text), {"f.yaml", "more than 10000 values"}));
            }),
            kHostileSeconds);
}

TEST(YamlTest, TheMostThatIsAllowedIsReadFast) {
  std::string text;
  for (int i = 0; i < 9'999; ++i) text += "a_rather_long_key_" + std::to_string(i) + ": 1\n";
  EXPECT_LT(cpu_seconds([&] { EXPECT_EQ(parse(text).root().size(), 9'999u); }), kHostileSeconds);
}

TEST(YamlTest, DuplicateKeyNamesBothLines) {
  EXPECT_TRUE(names(refusal("m:\n  a: 1\n  b: 2\n  a: 3\n"),
                    {"f.yaml: m.a at 4:3", "first on line 2", "each key once"}));
  EXPECT_TRUE(names(refusal("{a: 1, \"a\": 2}"), {"f.yaml: a at 1:8"}));
}

TEST(YamlTest, SecondDocumentIsRefused) {
  EXPECT_TRUE(names(refusal("a: 1\n---\nb: 2\n"), {"f.yaml at ", "a second document"}));
  EXPECT_TRUE(names(refusal("a: 1\n---\n"), {"f.yaml at ", "a second document"}));
}

TEST(YamlTest, TabIndentIsRefused) {
  EXPECT_TRUE(names(refusal("a:\n\tb: 1\n"), {"f.yaml at 2:", "valid YAML"}));
}

TEST(YamlTest, NulControlBytesAndBadUtf8AreRefused) {
  EXPECT_TRUE(names(refusal(std::string_view("a: x\0y\n", 7)), {"f.yaml at 1:5", "NUL"}));
  EXPECT_TRUE(names(refusal("a: 1\nb: \xff\n"), {"f.yaml at 2:4", "0xff"}));
  EXPECT_TRUE(names(refusal("a: 1\n\x04\nb: 2\n"), {"f.yaml at 2:1", "0x04"}));
  EXPECT_TRUE(names(refusal("\xEF\xBB\xBF"
                            "a: 1"),
                    {"f.yaml", "byte order mark"}));
  EXPECT_TRUE(names(refusal("a: \"\\0\""), {"f.yaml: a at 1:4", "NUL"}));
}

TEST(YamlTest, TagsAreRefused) {
  EXPECT_TRUE(names(refusal("a: !!python/object:os.system x"), {"f.yaml: a at 1:4", "tag"}));
  EXPECT_TRUE(names(refusal("a: !local 1"), {"f.yaml: a", "tag"}));
  EXPECT_TRUE(names(refusal("a: ! 12"), {"f.yaml: a", "tag"}));
  EXPECT_TRUE(names(refusal("a: !!str\nb: 1"), {"f.yaml: a", "tag"}));
  EXPECT_TRUE(names(refusal("a: !!map {b: 1}"), {"f.yaml: a", "tag"}));
}

TEST(YamlTest, KeysMustBePlain) {
  EXPECT_TRUE(names(refusal("? [a, b]\n: 1"), {"f.yaml", "a list or mapping as a key"}));
  EXPECT_TRUE(names(refusal("{: 1}"), {"f.yaml", "an empty key"}));
  EXPECT_EQ(dump("1: one\ntrue: two"), R"({"1":"one","true":"two"})");
}

TEST(YamlTest, EmptyFileIsRefused) {
  for (const char* text : {"", "\n\n", "# only a comment\n"}) {
    EXPECT_TRUE(names(refusal(text), {"f.yaml", "an empty file"}));
  }
}

TEST(YamlTest, ScalarOrListRootIsNotAnObject) {
  for (const char* text : {"just text", "- a\n- b", "---\n"}) {
    const Document document = parse(text);
    EXPECT_TRUE(names(error_of(ErrorKind::kConfig, [&] { Fields fields(document); }),
                      {"f.yaml", "an object of keys"}));
  }
}

TEST(YamlTest, MoreThanAMegabyteIsRefused) {
  const std::string text = "a: " + std::string(1 << 20, 'x');
  EXPECT_TRUE(names(refusal(text), {"f.yaml", "1048579 bytes", "at most 1048576"}));
}

TEST(YamlTest, BrokenSyntaxNamesLineAndColumn) {
  EXPECT_TRUE(names(refusal("a: [1, 2\nb: 3\n"), {"f.yaml", "valid YAML"}));
  EXPECT_TRUE(names(refusal("a: 1\n b: 2\n"), {"f.yaml at 2:", "valid YAML"}));
  EXPECT_TRUE(names(refusal("a: \"open"), {"f.yaml", "valid YAML"}));
  EXPECT_TRUE(names(refusal("a: 1\n]"), {"f.yaml at 2:1"}));
}

}  // namespace
}  // namespace telora
