#include "core/random.h"

#include <map>

#include "core/digest.h"
#include "support.h"

namespace telora {
namespace {

using Words = std::array<uint32_t, 4>;

// The known-answer vectors published with the Random123 library.
TEST(PhiloxTest, GivesThePublishedWords) {
  const uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStreamTest, StartsAnywhereInTheSameStream) {
  RandomStream whole(stream_key(42, "shuffle"));
  std::vector<uint32_t> words;
  for (int i = 0; i < 40; ++i) words.push_back(whole.next_u32());
  RandomStream later(stream_key(42, "shuffle"), 5);
  for (size_t i = 20; i < 40; ++i) EXPECT_EQ(later.next_u32(), words[i]);
}

TEST(RandomStreamTest, BelowIsUniformAndUnitIsInRange) {
  RandomStream stream(stream_key(1, "x"));
  std::map<uint64_t, int> counts;
  double sum = 0;
  for (int i = 0; i < 70'000; ++i) {
    ++counts[stream.below(7)];
    const double unit = stream.next_unit();
    ASSERT_TRUE(unit >= 0 && unit < 1);
    sum += unit;
  }
  ASSERT_EQ(counts.size(), 7u);
  for (const auto& [value, count] : counts) EXPECT_NEAR(count, 10'000, 500) << value;
  EXPECT_NEAR(sum / 70'000, 0.5, 0.01);
}

TEST(RandomStreamTest, KeysDifferByNameAndSeed) {
  EXPECT_NE(stream_key(42, "a"), stream_key(42, "b"));
  EXPECT_NE(stream_key(42, "a"), stream_key(43, "a"));
  // The first 8 bytes of the digest of "42:a", as sha256sum prints it.
  EXPECT_EQ(stream_key(42, "a"), 0x971344798d4f4ac7);
}

// FIPS 180-4's examples.
TEST(Sha256Test, GivesThePublishedDigests) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, FileAndPartsEqualTheWhole) {
  const TempFolder folder;
  std::string bytes(2'500'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 >> 3);
  EXPECT_EQ(sha256_file(folder.file("a.bin", bytes)), sha256(bytes));
  EXPECT_EQ(Sha256().update(bytes.substr(0, 77)).update(bytes.substr(77)).hex(), sha256(bytes));
  EXPECT_TRUE(
      names(error_of(ErrorKind::kMissing, [&] { sha256_file(folder / "no.bin"); }), {"no.bin"}));
}

}  // namespace
}  // namespace telora
