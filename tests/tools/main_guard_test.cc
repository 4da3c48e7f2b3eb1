#include "tools/main_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <new>
#include <stdexcept>

#include "core/error.h"

namespace telora {
namespace {

struct Outcome {
  int code;
  std::string text;
};

Outcome guarded(const std::function<int()>& body) {
  testing::internal::CaptureStderr();
  const int code = run_guarded(body);
  return {code, testing::internal::GetCapturedStderr()};
}

TEST(MainGuard, PassesTheCodeThrough) {
  const Outcome outcome = guarded([] { return 3; });
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(outcome.text, "");
}

TEST(MainGuard, AnErrorIsOneLineAndItsCode) {
  const Outcome outcome = guarded([]() -> int {
    fail(ErrorKind::kConfig, {.file = "a.yaml", .field = "rank"}, "0\n", "1 or more");
  });
  EXPECT_EQ(outcome.code, 78);
  EXPECT_EQ(outcome.text, "error: a.yaml: rank: found 0\\n, want 1 or more\n");
}

TEST(MainGuard, EveryKindHasItsCode) {
  for (const ErrorKind kind : {ErrorKind::kUsage, ErrorKind::kData, ErrorKind::kMissing,
                               ErrorKind::kBusy, ErrorKind::kIntegrity}) {
    EXPECT_EQ(guarded([&]() -> int { throw Error(kind, "x"); }).code, static_cast<int>(kind));
  }
}

TEST(MainGuard, OutOfMemory) {
  const Outcome outcome = guarded([]() -> int { throw std::bad_alloc(); });
  EXPECT_EQ(outcome.code, 70);
  EXPECT_THAT(outcome.text, testing::StartsWith("error: out of memory"));
}

TEST(MainGuard, ForeignExceptionsShowTheirFirstLine) {
  const Outcome outcome = guarded(
      []() -> int { throw std::runtime_error("bad shape\nException raised from f at x.cpp:1"); });
  EXPECT_EQ(outcome.code, 70);
  EXPECT_EQ(outcome.text, "error: internal: bad shape\n");
}

TEST(MainGuard, AnythingElseIsCaughtToo) {
  const Outcome outcome = guarded([]() -> int { throw 5; });
  EXPECT_EQ(outcome.code, 70);
  EXPECT_THAT(outcome.text, testing::StartsWith("error: internal"));
}

TEST(Messages, GoToStderrWithTheirLevel) {
  testing::internal::CaptureStderr();
  set_up_messages();
  spdlog::warn("a {}", 1);
  spdlog::info("b");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning: a 1\ninfo: b\n");
  testing::internal::CaptureStderr();
  set_up_messages(true);
  spdlog::warn("a");
  spdlog::error("c");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "error: c\n");
}

}  // namespace
}  // namespace telora
