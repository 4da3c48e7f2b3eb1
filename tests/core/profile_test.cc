#include "core/profile.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

namespace telora {
namespace {

using std::chrono::milliseconds;

void work(const char* name, int inner = 0) {
  const ProfileScope scope(name);
  std::this_thread::sleep_for(milliseconds(2));
  for (int i = 0; i < inner; ++i) work("inner");
}

TEST(Profile, PartsNestAndCount) {
  Profile profile;
  {
    const ProfileUse use(&profile);
    work("first", 3);
    work("second");
    work("first", 1);
  }
  const auto parts = profile.parts();
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].name, "first");
  EXPECT_EQ(parts[0].calls, 2);
  EXPECT_EQ(parts[0].depth, 0);
  EXPECT_EQ(parts[1].name, "inner");
  EXPECT_EQ(parts[1].calls, 4);
  EXPECT_EQ(parts[1].depth, 1);
  EXPECT_EQ(parts[2].name, "second");
  EXPECT_GE(parts[1].seconds, 4 * 0.002);
  EXPECT_GE(parts[0].seconds, parts[1].seconds + 2 * 0.002);
  EXPECT_GE(profile.seconds(), parts[0].seconds + parts[2].seconds);
}

// The same name inside another part is another part.
TEST(Profile, ANameCountsWhereItStands) {
  Profile profile;
  {
    const ProfileUse use(&profile);
    work("inner");
    work("outer", 2);
  }
  const auto parts = profile.parts();
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].calls, 1);
  EXPECT_EQ(parts[2].name, "inner");
  EXPECT_EQ(parts[2].calls, 2);
}

TEST(Profile, NothingIsCountedWithoutUse) {
  Profile profile;
  work("before");
  {
    const ProfileUse use(&profile);
    const ProfileUse none(nullptr);
    work("hidden");
  }
  work("after");
  EXPECT_TRUE(profile.parts().empty());
  EXPECT_GT(profile.seconds(), 0.0);
}

TEST(Profile, OtherThreadsCountNothing) {
  Profile profile;
  {
    const ProfileUse use(&profile);
    const ProfileScope waiting("waiting");
    std::thread([] { work("worker"); }).join();
  }
  ASSERT_EQ(profile.parts().size(), 1u);
  EXPECT_GE(profile.parts()[0].seconds, 0.002);
}

TEST(Profile, UsesAlternate) {
  Profile first, second;
  for (int i = 0; i < 2; ++i) {
    for (Profile* profile : {&first, &second}) {
      const ProfileUse use(profile);
      work("step");
    }
  }
  for (const Profile* profile : {&first, &second}) {
    ASSERT_EQ(profile->parts().size(), 1u);
    EXPECT_EQ(profile->parts()[0].calls, 2);
  }
}

TEST(Profile, AnErrorClosesItsScopes) {
  Profile profile;
  const auto fails = [] {
    const ProfileScope scope("fails");
    throw std::runtime_error("no");
  };
  {
    const ProfileUse use(&profile);
    EXPECT_THROW(fails(), std::runtime_error);
    work("next");
  }
  ASSERT_EQ(profile.parts().size(), 2u);
  EXPECT_EQ(profile.parts()[1].depth, 0);
}

}  // namespace
}  // namespace telora
