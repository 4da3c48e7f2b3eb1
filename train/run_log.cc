#include "train/run_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/document.h"
#include "core/files.h"

namespace telora {

namespace {

// The shortest text that reads back as the same double; JSON has no NaN.
std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "null";
}

int64_t step_of(std::string_view text, const std::string& file, int line) {
  Fields fields(Document::parse_json(text, file, line));
  return fields.integer("step", {.min = 0});
}

// Without a newline at its end, the last line was being written when the process died.
std::string whole_lines(const std::filesystem::path& path) {
  std::string text = read_text(path, uint64_t{1} << 30);
  text.resize(text.rfind('\n') + 1);
  return text;
}

std::string kept_lines(const std::filesystem::path& path, int64_t keep_through_step) {
  if (keep_through_step <= 0 || !std::filesystem::exists(path)) return {};
  const std::string text = whole_lines(path);
  std::string kept;
  int number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    if (step_of(line, path.string(), ++number) <= keep_through_step) {
      kept.append(line).push_back('\n');
    }
    begin = end + 1;
  }
  return kept;
}

[[noreturn]] void fail_system(ErrorKind kind, const std::string& file, std::string_view want) {
  fail(kind, {.file = file, .field = {}}, std::strerror(errno), want,
       "check the disk and its rights");
}

}  // namespace

RunLog RunLog::open(const std::filesystem::path& path, int64_t keep_through_step) {
  publish(path, kept_lines(path, keep_through_step));
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor < 0) fail_system(ErrorKind::kCannotCreate, path.string(), "a file to append to");
  return {descriptor, path.string()};
}

RunLog::RunLog(RunLog&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), name_(std::move(other.name_)) {}

RunLog::~RunLog() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void RunLog::write(const StepRecord& r) {
  append(fmt::format(
      R"({{"step": {}, "epoch": {}, "loss": {}, "lr": {}, "grad_norm": {}, "tokens": {}, )"
      R"("tokens_total": {}, "seconds": {}, "tokens_per_second": {}}})",
      r.step, number(r.epoch), number(r.loss), number(r.lr), number(r.grad_norm), r.tokens,
      r.tokens_total, number(r.seconds), number(r.tokens_per_second)));
}

void RunLog::write(const EvaluationRecord& r) {
  const auto field = [](const char* name, const std::optional<double>& value) {
    return value ? fmt::format(R"("{}": {}, )", name, number(*value)) : "";
  };
  append(fmt::format(
      R"({{"step": {}, "epoch": {}, "evaluation": {}, "n": {}, "loss": {}, {}{}{}"best": {}, "seconds": {}}})",
      r.step, number(r.epoch), nlohmann::json(r.split).dump(), r.n, number(r.loss),
      field("selection_accuracy", r.selection_accuracy),
      field("balanced_accuracy", r.balanced_accuracy),
      field("rotated_accuracy", r.rotated_accuracy), r.best, number(r.seconds)));
}

// Unbuffered: a line is in the kernel's hands, whole, before the next step begins.
void RunLog::append(std::string line) {
  line.push_back('\n');
  for (size_t done = 0; done < line.size();) {
    const ssize_t written = ::write(descriptor_, line.data() + done, line.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_system(ErrorKind::kIo, name_, "room for one more line");
    done += static_cast<size_t>(written);
  }
}

}  // namespace telora
