#include "core/error.h"

#include "support.h"

namespace telora {
namespace {

TEST(ErrorTest, ExitCodesAreThoseOfTheContract) {
  EXPECT_EQ(Error(ErrorKind::kUsage, "").exit_code(), 64);
  EXPECT_EQ(Error(ErrorKind::kData, "").exit_code(), 65);
  EXPECT_EQ(Error(ErrorKind::kMissing, "").exit_code(), 66);
  EXPECT_EQ(Error(ErrorKind::kUnavailable, "").exit_code(), 69);
  EXPECT_EQ(Error(ErrorKind::kInternal, "").exit_code(), 70);
  EXPECT_EQ(Error(ErrorKind::kCannotCreate, "").exit_code(), 73);
  EXPECT_EQ(Error(ErrorKind::kIo, "").exit_code(), 74);
  EXPECT_EQ(Error(ErrorKind::kBusy, "").exit_code(), 75);
  EXPECT_EQ(Error(ErrorKind::kIntegrity, "").exit_code(), 76);
  EXPECT_EQ(Error(ErrorKind::kConfig, "").exit_code(), 78);
}

TEST(ErrorTest, MessageNamesFileFieldPlaceFoundAndWanted) {
  const auto message = [](const Where& where) {
    return error_of(ErrorKind::kData, [&] { fail(ErrorKind::kData, where, "x", "y", "do z"); });
  };
  EXPECT_EQ(message({"f.json", "a.b", std::nullopt, 3, 7}),
            "f.json: a.b at 3:7: found x, want y; do z");
  EXPECT_EQ(message({"f.json", "", std::nullopt, 3}), "f.json at line 3: found x, want y; do z");
  EXPECT_EQ(message({"f.bin", "t", 12}), "f.bin: t at byte 12: found x, want y; do z");
}

TEST(ErrorTest, ControlBytesAndBrokenUtf8AreMadeVisible) {
  EXPECT_EQ(printable("a\n\t\x1b[31m"), "a\\n\\t\\x1b[31m");
  EXPECT_EQ(printable("\xff\xc3\xa9\x7f"), "\\xff\xc3\xa9\\x7f");
  EXPECT_EQ(printable("aaaaa", 3), "aaa…");
  EXPECT_STREQ(Error(ErrorKind::kData, "two\nlines").what(), "two\\nlines");
}

}  // namespace
}  // namespace telora
