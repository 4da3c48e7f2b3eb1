#include "tools/console.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "core/text.h"

namespace telora {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Progress training() {
  return {.stage = "train",
          .step = 120,
          .total = 420,
          .loss = 1.23456,
          .lr = 4.8e-4,
          .tokens_per_second = 1234,
          .seconds_left = 192};
}

int columns(const std::string& text) {
  return static_cast<int>(count_code_points(text));
}

TEST(Progress, AWideLineHoldsEverything) {
  EXPECT_EQ(progress_line(training(), 100),
            "train 120/420  ████████░░░░░░░░░░░░░░░░░░░░░░  loss 1.2346  lr 4.80e-04  1234 tok/s  "
            "3m12s left");
}

TEST(Progress, FortyColumnsKeepWhatMatters) {
  EXPECT_EQ(progress_line(training(), 40), "train 120/420  loss 1.2346  3m12s left");
}

TEST(Progress, NeverWiderThanAllowed) {
  Progress progress = training();
  for (const int64_t step : {int64_t{0}, int64_t{420}, int64_t{999999999}}) {
    progress.step = step;
    for (int width = -1; width < 200; ++width) {
      EXPECT_LE(columns(progress_line(progress, width)), std::max(0, width));
    }
  }
}

TEST(Progress, WithoutATotalThereIsNoBar) {
  EXPECT_EQ(progress_line({.stage = "read", .step = 7}, 80), "read 7");
}

TEST(Progress, TextForLogs) {
  EXPECT_EQ(progress_text(training()),
            "train 120/420  loss 1.2346  lr 4.80e-04  1234 tok/s  3m12s left");
}

TEST(Progress, Durations) {
  EXPECT_EQ(duration_text(0.4), "0s");
  EXPECT_EQ(duration_text(59.4), "59s");
  EXPECT_EQ(duration_text(59.6), "1m00s");
  EXPECT_EQ(duration_text(3599), "59m59s");
  EXPECT_EQ(duration_text(7500), "2h05m");
  EXPECT_EQ(duration_text(273600), "3d04h");
  EXPECT_EQ(duration_text(-1), "?");
  EXPECT_EQ(duration_text(1e300), "?");
}

// A file or pipe: no terminal.
class PlainOutput {
 public:
  PlainOutput() : file_(std::tmpfile()) {}
  ~PlainOutput() { std::fclose(file_); }
  std::FILE* file() const { return file_; }
  std::string text() const {
    std::string out(4096, '\0');
    const ssize_t size = pread(fileno(file_), out.data(), out.size(), 0);
    out.resize(static_cast<size_t>(std::max<ssize_t>(0, size)));
    return out;
  }

 private:
  std::FILE* file_;
};

TEST(Console, PlainLinesComeAtIntervalsAndAtTheEnd) {
  const PlainOutput out;
  {
    Console console({.interval = std::chrono::seconds(1000), .out = out.file()});
    for (int64_t step = 1; step <= 50; ++step) {
      console.progress({.stage = "train", .step = step, .total = 50, .seconds_left = 1});
    }
    console.line("done");
  }
  EXPECT_EQ(out.text(), "train 1/50  1s left\ndone\ntrain 50/50  1s left\n");
}

TEST(Console, EachStageEndsWithItsLastState) {
  const PlainOutput out;
  Console console({.interval = std::chrono::seconds(1000), .out = out.file()});
  console.progress({.stage = "train", .step = 1, .total = 2, .seconds_left = 1});
  console.progress({.stage = "train", .step = 2, .total = 2, .seconds_left = 0});
  console.progress({.stage = "evaluate", .step = 1, .total = 9, .seconds_left = 3});
  console.finish();
  EXPECT_EQ(out.text(), "train 1/2  1s left\ntrain 2/2  0s left\nevaluate 1/9  3s left\n");
}

TEST(Console, HeaderIsAlignedAndControlBytesAreVisible) {
  const PlainOutput out;
  Console({.out = out.file()}).header({{"category", "6g-bench"}, {"data", "a\x1b[31mb"}});
  EXPECT_EQ(out.text(), "category: 6g-bench\ndata:     a\\x1b[31mb\n");
}

TEST(Console, QuietSaysNothing) {
  const PlainOutput out;
  {
    Console console({.quiet = true, .out = out.file()});
    console.header({{"a", "b"}});
    console.line("text");
    console.progress(training());
  }
  EXPECT_EQ(out.text(), "");
}

class Terminal {
 public:
  explicit Terminal(unsigned short width) {
    setenv("TERM", "xterm", 1);
    winsize size = {.ws_row = 24, .ws_col = width, .ws_xpixel = 0, .ws_ypixel = 0};
    if (openpty(&master_, &slave_, nullptr, nullptr, &size) == 0) {
      fcntl(master_, F_SETFL, O_NONBLOCK);
      file_ = fdopen(slave_, "w");
    }
  }
  ~Terminal() {
    if (file_) std::fclose(file_);
    close(master_);
  }
  std::FILE* file() const { return file_; }
  std::string text() const {
    std::string out;
    char buffer[4096];
    for (ssize_t n; (n = read(master_, buffer, sizeof buffer)) > 0;) {
      out.append(buffer, static_cast<size_t>(n));
    }
    return out;
  }

 private:
  int master_ = -1;
  int slave_ = -1;
  std::FILE* file_ = nullptr;
};

TEST(Console, ATerminalLineIsRedrawnInPlaceAndThrottled) {
  const Terminal terminal(40);
  ASSERT_NE(terminal.file(), nullptr) << "no pseudo-terminal";
  Console console({.out = terminal.file()});
  Progress progress = training();
  for (progress.step = 1; progress.step <= 300; ++progress.step) console.progress(progress);
  const std::string text = terminal.text();
  EXPECT_EQ(text.find('\n'), std::string::npos);
  // The first is shown at once; 300 calls take far less than a second.
  EXPECT_THAT(text, HasSubstr("\rtrain 1/420"));
  EXPECT_LE(std::ranges::count(text, '\r'), 10);
}

TEST(Console, ATerminalLineNeverFillsTheLastColumn) {
  const Terminal terminal(40);
  ASSERT_NE(terminal.file(), nullptr) << "no pseudo-terminal";
  {
    Console console({.out = terminal.file()});
    console.progress(training());
  }
  const std::string text = terminal.text();
  const size_t end = text.find("\x1b[K");
  ASSERT_NE(end, std::string::npos);
  EXPECT_LE(columns(text.substr(1, end - 1)), 39);
  EXPECT_TRUE(text.ends_with("\n"));
}

TEST(Console, ALineOnATerminalGoesAboveTheProgress) {
  const Terminal terminal(80);
  ASSERT_NE(terminal.file(), nullptr) << "no pseudo-terminal";
  Console console({.out = terminal.file()});
  console.progress(training());
  terminal.text();
  console.line("validation 43.2 %");
  EXPECT_THAT(terminal.text(), AllOf(testing::StartsWith("\r\x1b[Kvalidation 43.2 %\r\n\rtrain"),
                                     Not(testing::EndsWith("\n"))));
}

}  // namespace
}  // namespace telora
