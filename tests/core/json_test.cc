#include <nlohmann/json.hpp>

#include "core/document.h"
#include "support.h"

namespace telora {
namespace {

Document parse(std::string_view text) { return Document::parse_json(text, "f.json"); }

std::string refusal(std::string_view text) {
  return error_of(ErrorKind::kData, [&] { parse(text); });
}

TEST(JsonTest, KeepsValuesAndOrder) {
  const Document document = parse(
      R"( {"z": 1, "a": [true, null, -3, 2.5, 18446744073709551615], "s": "é\u00e9\ud83d\ude00"} )");
  EXPECT_EQ(document.root().dump(),
            "{\"z\":1,\"a\":[true,null,-3,2.5,18446744073709551615],\"s\":\"éé😀\"}");
  EXPECT_EQ(document.file(), "f.json");
}

TEST(JsonTest, DuplicateKeyNamesThePathAndBothLines) {
  EXPECT_TRUE(names(refusal("{\"m\": {\"a\": 1,\n\"b\": 2,\n\"a\": 3}}"),
                    {"f.json: m.a at 3:", "first on line 1", "each key once"}));
  EXPECT_TRUE(names(refusal(R"({"a":1,"\u0061":2})"), {"f.json: a", "same key again"}));
}

TEST(JsonTest, DepthIsBounded) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_NO_THROW(parse(nested(128)));
  EXPECT_TRUE(names(refusal(nested(129)), {"f.json", "more than 128 nested levels", "1:129"}));
  EXPECT_TRUE(names(refusal(nested(100'000)), {"nested levels"}));
  EXPECT_TRUE(names(refusal(std::string(1'000'000, '[')), {"nested levels"}));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_TRUE(names(refusal(objects), {"nested levels"}));
}

TEST(JsonTest, InvalidUtf8IsRefusedAtItsPlace) {
  EXPECT_TRUE(names(refusal("{\n\"a\": \"x\xff\"}"), {"f.json at 2:8", "0xff"}));
  EXPECT_TRUE(names(refusal("\"\xed\xa0\x80\""), {"f.json", "UTF-8"}));
}

TEST(JsonTest, LoneSurrogateIsRefused) {
  EXPECT_TRUE(names(refusal(R"({"a": "\ud800"})"), {"f.json: a at 1:", "surrogate"}));
  EXPECT_TRUE(names(refusal(R"({"a": "\udc00x"})"), {"f.json: a at 1:", "surrogate"}));
}

TEST(JsonTest, ByteOrderMarkAndUtf16AreRefused) {
  EXPECT_TRUE(names(refusal("\xEF\xBB\xBF{}"), {"f.json", "byte order mark"}));
  EXPECT_TRUE(names(refusal(std::string_view("\xFF\xFE{\0}\0", 6)), {"f.json", "UTF-16"}));
  EXPECT_TRUE(names(refusal(std::string_view("{\0}\0", 4)), {"f.json", "UTF-16"}));
}

TEST(JsonTest, NumbersThatAreNotFiniteAreRefused) {
  for (const char* value : {"NaN", "Infinity", "-Infinity", "nan", "inf", "-inf"}) {
    const std::string message = refusal("{\"a\": [1, " + std::string(value) + "]}");
    EXPECT_TRUE(names(message, {"f.json: a[1] at 1:", "a finite number", "JSON has no NaN"}))
        << value;
  }
  EXPECT_TRUE(names(refusal("{\"lr\": 1e400}"), {"f.json: lr", "1e400", "64-bit float"}));
  EXPECT_TRUE(names(refusal("{\"lr\": -1e400\n}"), {"f.json: lr at 1:", "-1e400"}));
}

TEST(JsonTest, IntegersBeyond64BitsAreRefused) {
  EXPECT_TRUE(names(refusal("{\n\"n\": 18446744073709551616\n}"),
                    {"f.json: n at 2:", "18446744073709551616", "64 bits"}));
  EXPECT_TRUE(names(refusal("[-9223372036854775809]"), {"[0]", "-9223372036854775809"}));
  EXPECT_EQ(parse("[-9223372036854775808]").root()[0].get<int64_t>(), INT64_MIN);
}

TEST(JsonTest, TrailingContentIsRefused) {
  EXPECT_TRUE(names(refusal("{\"a\": 1} {\"a\": 2}"), {"f.json at 1:10", "valid JSON"}));
  EXPECT_TRUE(names(refusal("[1],"), {"f.json at 1:4", "valid JSON"}));
}

TEST(JsonTest, TruncatedTextSaysSo) {
  EXPECT_TRUE(names(refusal("{\"a\": {\"b\": [1, 2"), {"f.json: a.b[", "truncated?"}));
  EXPECT_TRUE(names(refusal("{\"a\": \"cut he"), {"f.json: a", "truncated?"}));
  EXPECT_TRUE(names(refusal(""), {"f.json", "an empty text"}));
  EXPECT_TRUE(names(refusal(" \n"), {"f.json", "an empty text"}));
}

TEST(JsonTest, LaxSyntaxIsRefused) {
  for (const char* text : {"{'a': 1}", "{a: 1}", "[1,]", "{\"a\": 01}", "{\"a\": +1}", "[.5]",
                           "[1.]", "// x\n1", "[0x10]", "{\"a\" 1}", "\"\t\"", "tru"}) {
    EXPECT_TRUE(names(refusal(text), {"f.json", "valid JSON"})) << text;
  }
}

TEST(JsonTest, ALineOfAJsonlFileIsNumbered) {
  const auto read = [] { return Document::parse_json("{\"a\": tru}", "rows.jsonl", 41); };
  EXPECT_TRUE(names(error_of(ErrorKind::kData, read), {"rows.jsonl: a at 41:"}));
}

TEST(JsonTest, HostileKeysAreCutAndEscapedInMessages) {
  const std::string key(1'000'000, 'k');
  const std::string message = refusal("{\"" + key + "\": x}");
  EXPECT_TRUE(names(message, {"f.json", "kkkk"}));
  EXPECT_LT(message.size(), 1000u);
  EXPECT_TRUE(names(refusal(R"({"\u001b[2J": x})"), {"\\x1b[2J"}));
}

std::string flat_object(int keys) {
  std::string text = "{";
  for (int i = 0; i < keys; ++i) {
    text += (i > 0 ? "," : "") + ("\"key_number_" + std::to_string(i)) + "\":0";
  }
  return text + "}";
}

TEST(JsonTest, AHundredThousandKeysAreReadFast) {
  const std::string text = flat_object(100'000);
  ASSERT_GT(text.size(), 1'900'000u);
  EXPECT_LT(cpu_seconds([&] { EXPECT_EQ(parse(text).root().size(), 100'000u); }), kHostileSeconds);
}

TEST(JsonTest, ADuplicateAmongAHundredThousandKeysIsFoundFast) {
  std::string text = flat_object(100'000);
  text.insert(text.size() - 1, ",\"key_number_777\":1");
  EXPECT_LT(cpu_seconds([&] { EXPECT_TRUE(names(refusal(text), {"f.json: key_number_777"})); }),
            kHostileSeconds);
}

TEST(JsonTest, TooManyValuesAreRefused) {
  std::string text = "[0";
  for (int i = 0; i < 1 << 22; ++i) text += ",0";
  EXPECT_TRUE(names(refusal(text + "]"), {"f.json", "more than 4194304 values"}));
}

TEST(ToJsonTest, WritesOneLineAndRefusesNaN) {
  nlohmann::ordered_json value{{"b", 1}, {"a", {0.1, "x\n"}}};
  EXPECT_EQ(to_json(value), "{\"b\":1,\"a\":[0.1,\"x\\n\"]}");
  value["a"].push_back(std::numeric_limits<double>::quiet_NaN());
  error_of(ErrorKind::kInternal, [&] { to_json(value); });
  error_of(ErrorKind::kInternal, [&] { to_json("\xff"); });
}

}  // namespace
}  // namespace telora
