#include "core/text.h"

#include "support.h"

namespace telora {
namespace {

TEST(Utf8Test, AcceptsTheEdgesOfEachLength) {
  for (const char32_t c : {U'\x7f', U'\x80', U'\x7ff', U'\x800', U'\xd7ff', U'\xe000', U'\xffff',
                           U'\x10000', U'\x10ffff'}) {
    const std::string text = to_utf8(c);
    EXPECT_EQ(find_invalid_utf8(text), std::string::npos) << static_cast<uint32_t>(c);
    size_t at = 0;
    EXPECT_EQ(next_code_point(text, at), c);
    EXPECT_EQ(at, text.size());
  }
}

TEST(Utf8Test, RefusesOverlongFormsSurrogatesAndStrayBytes) {
  for (const std::string_view text :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xff"}) {
    EXPECT_EQ(find_invalid_utf8(std::string("ab") + std::string(text)), 2u) << printable(text);
  }
}

TEST(NearestTest, FindsASlipAndIgnoresStrangers) {
  const std::vector<std::string> known{"learning_rate", "rank", "alpha"};
  EXPECT_EQ(nearest("learing_rate", known), "learning_rate");
  EXPECT_EQ(nearest("rnk", known), "rank");
  EXPECT_EQ(nearest("completely_different", known), "");
}

}  // namespace
}  // namespace telora
