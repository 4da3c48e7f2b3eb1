#include "tools/console.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

namespace telora {

namespace {

constexpr std::chrono::milliseconds kRedraw{100};
constexpr int kDefaultColumns = 80;
constexpr int kLongestBar = 30;
constexpr int kShortestBar = 8;

bool is_terminal(std::FILE* out) {
  const char* name = std::getenv("TERM");
  const bool dumb = name && std::string_view(name) == "dumb";
  return isatty(fileno(out)) && !dumb;
}

int columns_of(std::FILE* out) {
  winsize size = {};
  const bool known = ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kDefaultColumns;
}

std::string rate_text(double per_second) {
  if (per_second < 9999.5) return fmt::format("{:.0f} tok/s", per_second);
  return per_second < 999950 ? fmt::format("{:.1f}k tok/s", per_second / 1e3)
                             : fmt::format("{:.1f}M tok/s", per_second / 1e6);
}

std::string count_text(const Progress& p) {
  return p.total > 0 ? fmt::format("{} {}/{}", p.stage, p.step, p.total)
                     : fmt::format("{} {}", p.stage, p.step);
}

struct Part {
  std::string text;
  int importance;  // the smallest goes first
};

// In the order of the line.
std::vector<Part> parts_of(const Progress& p) {
  std::vector<Part> parts;
  if (!p.item.empty()) parts.push_back({p.item, 5});
  if (p.loss) parts.push_back({fmt::format("loss {:.4f}", *p.loss), 4});
  if (p.lr) parts.push_back({fmt::format("lr {:.2e}", *p.lr), 1});
  if (p.tokens_per_second) parts.push_back({rate_text(*p.tokens_per_second), 2});
  if (p.seconds_left) parts.push_back({duration_text(*p.seconds_left) + " left", 3});
  return parts;
}

int width_of(const std::vector<Part>& parts) {
  int width = 0;
  for (const Part& part : parts) width += 2 + static_cast<int>(part.text.size());
  return width;
}

std::string bar(double share, int width) {
  const auto done = static_cast<int>(std::clamp(share, 0.0, 1.0) * width);
  std::string text;
  for (int i = 0; i < width; ++i) text += i < done ? "█" : "░";
  return text;
}

}  // namespace

std::string duration_text(double seconds) {
  if (!(seconds >= 0 && seconds < 1e9)) return "?";
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  return fmt::format("{}d{:02}h", whole / 86400, whole / 3600 % 24);
}

std::string progress_line(const Progress& progress, int columns) {
  std::string text = count_text(progress);
  const int room = columns - static_cast<int>(text.size());
  if (room < 0) return text.substr(0, static_cast<size_t>(std::max(0, columns)));
  std::vector<Part> parts = parts_of(progress);
  while (!parts.empty() && width_of(parts) > room) {
    parts.erase(std::ranges::min_element(parts, {}, &Part::importance));
  }
  const int bar_width = std::min(kLongestBar, room - width_of(parts) - 2);
  if (progress.total > 0 && bar_width >= kShortestBar) {
    const double share = static_cast<double>(progress.step) / static_cast<double>(progress.total);
    text += "  " + bar(share, bar_width);
  }
  for (const Part& part : parts) text += "  " + part.text;
  return text;
}

std::string progress_text(const Progress& progress) {
  std::string text = count_text(progress);
  for (const Part& part : parts_of(progress)) text += "  " + part.text;
  return text;
}

Console::Console(Options options) : options_(options), terminal_(is_terminal(options.out)) {}

Console::~Console() { finish(); }

void Console::write(const std::string& text) {
  if (options_.quiet) return;
  std::fwrite(text.data(), 1, text.size(), options_.out);
  std::fflush(options_.out);
}

void Console::header(const std::vector<std::pair<std::string, std::string>>& lines) {
  size_t width = 0;
  for (const auto& [key, value] : lines) width = std::max(width, key.size() + 1);
  std::string text;
  for (const auto& [key, value] : lines) {
    text += fmt::format("{:<{}} {}\n", key + ":", width, printable(value, 4000));
  }
  line(text.substr(0, text.empty() ? 0 : text.size() - 1));
}

void Console::line(const std::string& text) {
  erase();
  write(text + "\n");
  if (terminal_ && stage_ && stage_->was_shown) show();
}

void Console::erase() {
  if (terminal_ && stage_ && stage_->was_shown) write("\r\x1b[K");
}

void Console::progress(Progress progress) {
  const Clock::time_point now = Clock::now();
  if (stage_ && stage_->latest.stage != progress.stage) finish();
  if (!stage_) {
    stage_.emplace();
    stage_->began = now;
    stage_->first_step = progress.step;
  }
  const std::chrono::duration<double> spent = now - stage_->began;
  const int64_t done = progress.step - stage_->first_step;
  if (done > 0 && progress.total > 0 && !progress.seconds_left) {
    progress.seconds_left =
        spent.count() / static_cast<double>(done) *
        static_cast<double>(std::max<int64_t>(0, progress.total - progress.step));
  }
  stage_->latest = std::move(progress);
  stage_->latest_shown = false;
  const Clock::duration pause = terminal_ ? Clock::duration(kRedraw) : options_.interval;
  if (!stage_->was_shown || now - stage_->shown >= pause) show();
}

// One column stays free: some terminals wrap when the last one is filled.
void Console::show() {
  write(terminal_ ? "\r" + progress_line(stage_->latest, columns_of(options_.out) - 1) + "\x1b[K"
                  : progress_text(stage_->latest) + "\n");
  stage_->shown = Clock::now();
  stage_->was_shown = true;
  stage_->latest_shown = true;
}

void Console::finish() {
  if (!stage_) return;
  if (!stage_->latest_shown) show();
  if (terminal_) write("\n");
  stage_.reset();
}

}  // namespace telora
