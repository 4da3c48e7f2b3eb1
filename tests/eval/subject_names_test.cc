#include "eval/subject_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace telora {
namespace {

using testing::ElementsAre;

TEST(SubjectNames, TheFolderIsEnoughWhereItTellsThemApart) {
  EXPECT_THAT(subject_names({"runs/a", "/x/y/b/", "../c"}), ElementsAre("a", "b", "c"));
  EXPECT_THAT(subject_names({}), ElementsAre());
}

TEST(SubjectNames, FoldersAboveTellEqualNamesApart) {
  EXPECT_THAT(subject_names({"x/one/oran", "x/two/oran"}), ElementsAre("one/oran", "two/oran"));
  EXPECT_EQ(file_name_of("one/oran"), "one-oran");
  // As file names they would be the same.
  EXPECT_THAT(subject_names({"z/x/a-b/c", "z/y/a/b-c", "z/a/b/c"}),
              ElementsAre("x/a-b/c", "y/a/b-c", "a/b/c"));
}

TEST(SubjectNames, NoAdapterIsCalledBase) {
  EXPECT_THAT(subject_names({"runs/base"}), ElementsAre("runs/base"));
}

TEST(SubjectNames, TheSameFolderTwiceIsRefused) {
  EXPECT_THROW(subject_names({"runs/a", "runs/x/../a/"}), Error);
}

}  // namespace
}  // namespace telora
