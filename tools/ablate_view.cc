#include "tools/ablate_view.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>

#include "tools/console.h"

namespace telora {

namespace {

using enum RunProgress::Stage;

constexpr auto kBetweenDrawings = std::chrono::milliseconds(250);

struct Size {
  int columns = 80, rows = 24;
};

Size terminal_size() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return {size.ws_col, size.ws_row};
}

const char* stage_word(RunProgress::Stage stage) {
  switch (stage) {
    case kWaiting:
      return "waiting";
    case kTraining:
      return "training";
    case kFinished:
      return "finished";
    case kFailed:
      return "failed";
  }
  return "";
}

// Those that a person wants to see first.
int order_of(const RunProgress& progress) {
  switch (progress.stage) {
    case kTraining:
      return 0;
    case kFailed:
      return 1;
    case kWaiting:
      return 2;
    case kFinished:
      return 3;
  }
  return 4;
}

}  // namespace

std::string run_line(const std::string& name, const RunProgress& p, size_t name_width,
                     int columns) {
  std::vector<std::string> parts = {fmt::format("{:<{}}", name, name_width),
                                    fmt::format("{:>5}/{}", p.step, p.total)};
  if (p.stage == kTraining) {
    if (p.seconds_left) parts.push_back(duration_text(*p.seconds_left) + " left");
  } else {
    parts.emplace_back(stage_word(p.stage));
  }
  if (p.validation) parts.push_back(fmt::format("best {:.3f}", *p.validation));
  if (p.loss) parts.push_back(fmt::format("loss {:.4f}", *p.loss));
  if (p.tokens_per_second && p.stage == kTraining) {
    parts.push_back(fmt::format("{:.0f} tok/s", *p.tokens_per_second));
  }
  std::string line;
  for (const std::string& part : parts) {
    const std::string more = (line.empty() ? "" : "  ") + part;
    if (std::ssize(line) + std::ssize(more) > columns) break;
    line += more;
  }
  return line.empty() ? name.substr(0, static_cast<size_t>(std::max(0, columns))) : line;
}

AblateView::AblateView(const SweepFolder& folder, const std::vector<PlannedRun>& runs,
                       const std::vector<int64_t>& steps, bool quiet)
    : shown_(runs.size()), quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1) {
  for (size_t i = 0; i < runs.size(); ++i) {
    names_.push_back(runs[i].name);
    name_width_ = std::max(name_width_, runs[i].name.size());
    followers_.emplace_back(folder.run(runs[i]), steps[i], runs[i].recipe.selection_metric);
    shown_[i] = followers_[i].read();
  }
}

// The last state stays.
AblateView::~AblateView() {
  if (quiet_) return;
  std::vector<RunProgress> now;
  for (RunFollower& follower : followers_) now.push_back(follower.read());
  if (!terminal_) return;
  draw(now);
  std::fputc('\n', stderr);
}

void AblateView::update() {
  if (quiet_) return;
  const auto time = Clock::now();
  if (time - drawn_ < kBetweenDrawings) return;
  drawn_ = time;
  std::vector<RunProgress> now;
  for (RunFollower& follower : followers_) now.push_back(follower.read());
  if (terminal_) return draw(now);
  for (size_t i = 0; i < now.size(); ++i) log(i, now[i]);
}

void AblateView::draw(const std::vector<RunProgress>& now) {
  const Size size = terminal_size();
  std::vector<size_t> order(now.size());
  std::iota(order.begin(), order.end(), 0);
  const auto room = static_cast<size_t>(std::max(1, size.rows - 2));
  if (order.size() > room) {
    std::ranges::stable_sort(order, {}, [&](size_t i) { return order_of(now[i]); });
    order.resize(room);
    std::ranges::sort(order);
  }
  std::string text;
  if (lines_ > 0) text += fmt::format("\x1b[{}A", lines_);
  for (const size_t i : order) {
    text += "\r" + run_line(names_[i], now[i], name_width_, size.columns - 1) + "\x1b[K\n";
  }
  for (int i = static_cast<int>(order.size()); i < lines_; ++i) text += "\r\x1b[K\n";
  lines_ = std::max(lines_, static_cast<int>(order.size()));
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void AblateView::log(size_t run, const RunProgress& now) {
  const RunProgress& before = shown_[run];
  if (now.stage == before.stage && now.validation == before.validation) return;
  fmt::print(stderr, "{}\n", run_line(names_[run], now, name_width_, 200));
  shown_[run] = now;
}

}  // namespace telora
