// Megabytes a second that a tokenizer encodes: a second of one thread's processor time, and a
// second of encode_batch on all threads. Processor time tells the same on a busy machine.
//   bench_tokenizer TOKENIZER FILE...      a folder, .gguf or .model; each line of the files is a
//   text
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "backbone/backbone.h"
#include "core/files.h"
#include "tools/main_guard.h"

namespace telora {
namespace {

constexpr int kRounds = 7;

std::vector<std::string> read_texts(int argc, char** argv) {
  std::vector<std::string> texts;
  for (int i = 2; i < argc; ++i) {
    for_each_line(argv[i], [&](std::string_view line, int) { texts.emplace_back(line); });
  }
  return texts;
}

double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Seconds of the middle one of some rounds.
template <typename Clock, typename Work>
double median_seconds(const Clock& now, const Work& work) {
  std::vector<double> seconds;
  for (int round = 0; round < kRounds; ++round) {
    const double begin = now();
    work();
    seconds.push_back(now() - begin);
  }
  std::ranges::sort(seconds);
  return seconds[kRounds / 2];
}

int run(int argc, char** argv) {
  if (argc < 3) {
    fail(ErrorKind::kUsage, {"arguments", ""}, fmt::format("{}", argc - 1),
         "bench_tokenizer TOKENIZER FILE...");
  }
  const Tokenizer tokenizer = read_tokenizer(find_backbone(argv[1]).path);
  const std::vector<std::string> texts = read_texts(argc, argv);
  double megabytes = 0;
  for (const std::string& text : texts) megabytes += static_cast<double>(text.size()) / 1e6;
  size_t tokens = 0;
  const auto one_by_one = [&] {
    tokens = 0;
    for (const std::string& text : texts) tokens += tokenizer.encode(text).size();
  };
  const double one = median_seconds(processor_seconds, one_by_one);
  const double one_wall = median_seconds(wall_seconds, one_by_one);
  const double all = median_seconds(wall_seconds, [&] { tokenizer.encode_batch(texts); });
  fmt::print(
      "{} texts, {:.1f} MB, {} tokens: one thread {:.1f} MB/s ({:.1f} by the wall clock), "
      "encode_batch {:.1f} MB/s\n",
      texts.size(), megabytes, tokens, megabytes / one, megabytes / one_wall, megabytes / all);
  return 0;
}

}  // namespace
}  // namespace telora

int main(int argc, char** argv) {
  return telora::run_guarded([&] { return telora::run(argc, argv); });
}
