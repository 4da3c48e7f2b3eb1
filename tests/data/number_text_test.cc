#include "data/number_text.h"

#include <cmath>
#include <limits>

#include "tests/data/support.h"

namespace telora {
namespace {

struct Accepted {
  const char* text;
  double value;
};

// What CPython 3.11 makes of these texts.
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Accepted kAccepted[] = {
    {"50", 50},
    {" 50\t\n", 50},
    {"\xC2\xA0"
     "50\xE3\x80\x80",
     50},  // blanks beyond ASCII
    {"+3.", 3},
    {"-.5", -0.5},
    {"00012", 12},
    {"2.5e3", 2500},
    {"2.5E-03", 0.0025},
    {"1_000.000_1", 1000.0001},
    {"1e1_0", 1e10},
    {"1e400", kInfinity},
    {"-1e400", -kInfinity},
    {"1e-400", 0},
    {"INF", kInfinity},
    {"-iNfInItY", -kInfinity},
    {"\xEF\xBC\x91\xEF\xBC\x92", 12},                           // full-width
    {"\xD9\xA3.\xD9\xA5", 3.5},                                 // Arabic-Indic
    {"\xF0\x9D\x9F\x8F\xF0\x9D\x9F\x98\xF0\x9D\x9F\xBF", 109},  // three mathematical alphabets
};

constexpr const char* kRefused[] = {
    "",
    " ",
    ".",
    "+",
    "1,000",
    "1 000",
    "1__0",
    "_1",
    "1_",
    "1_.5",
    "1._5",
    "1e_5",
    "1e",
    "e5",
    "0x10",
    "1.2.3",
    "infi",
    "in f",
    "+-1",
    "1\n2",
    "50%",
    "\\50",
    "infinit",
    "nano",
    "1e5.0",
    "\xC2\xB2",
    "\xE2\x85\xA7",
    "--5",
    "\x1f"
    "50",
    "\xEF\xBC\x95\x1c",
};

TEST(NumberText, IsReadAsPythonReadsIt) {
  for (const Accepted& accepted : kAccepted) {
    const auto value = read_number(accepted.text);
    ASSERT_TRUE(value.has_value()) << accepted.text;
    EXPECT_EQ(*value, accepted.value) << accepted.text;
  }
  for (const char* text : {"nan", "NaN", "-nan", "+nan"}) {
    EXPECT_TRUE(std::isnan(read_number(text).value())) << text;
  }
  for (const char* text : kRefused) EXPECT_FALSE(read_number(text)) << text;
}

TEST(NumberText, ZeroByteIsNoBlank) {
  EXPECT_FALSE(read_number(std::string_view("5\0", 2)));
  EXPECT_FALSE(
      read_number(std::string_view("\0"
                                   "5",
                                   2)));
}

TEST(NumberText, DigitsOfAnyScriptBecomeAscii) {
  EXPECT_EQ(ascii_digits("\xE0\xA5\xA7\xE0\xA5\xAF-\xE0\xB9\x95_9"), "19-59");
  EXPECT_EQ(ascii_digits(""), "");
}

TEST(NumberText, OfficialToleranceHasAFixedPart) {
  EXPECT_TRUE(close_by_official_rule(0, 0.01));
  EXPECT_FALSE(close_by_official_rule(0, 0.0100001));
  EXPECT_TRUE(close_by_official_rule(99, 100));
  EXPECT_TRUE(close_by_official_rule(-101, -100));
  EXPECT_FALSE(close_by_official_rule(-100, 100));
  EXPECT_TRUE(close_by_official_rule(kInfinity, kInfinity));
  EXPECT_FALSE(close_by_official_rule(kInfinity, 1e308));
  EXPECT_FALSE(close_by_official_rule(kInfinity, -kInfinity));
  EXPECT_FALSE(close_by_official_rule(std::nan(""), std::nan("")));
}

TEST(NumberText, RelativeToleranceHasNone) {
  EXPECT_TRUE(close_relatively(0, 0));
  EXPECT_FALSE(close_relatively(0, 1e-300));
  EXPECT_TRUE(close_relatively(1e-300, 0.995e-300));
  EXPECT_TRUE(close_relatively(99, 100));
  EXPECT_FALSE(close_relatively(98.9, 100));
}

TEST(NumberText, BlanksAreStripped) {
  EXPECT_EQ(strip_blanks(" \n a b \xE2\x80\x89"), "a b");
  EXPECT_EQ(strip_blanks(" \t"), "");
  EXPECT_EQ(strip_blanks(""), "");
  EXPECT_EQ(strip_blanks("\xE2\x80\x8B"), "\xE2\x80\x8B");  // a zero-width space is no blank
}

}  // namespace
}  // namespace telora
