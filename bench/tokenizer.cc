// Megabytes a second that a tokenizer encodes: a second of one thread's processor time, and a
// second of encode_batch on all threads. Processor time tells the same on a busy machine.
//   bench_tokenizer [--json] TOKENIZER FILE...      a folder, .gguf or .model; each line of the
//   files is a text
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>
#include <span>

#include "backbone/backbone.h"
#include "core/files.h"
#include "tools/main_guard.h"

namespace telora {
namespace {

constexpr int kRounds = 7;

std::vector<std::string> read_texts(std::span<const std::string> files) {
  std::vector<std::string> texts;
  for (const std::string& file : files) {
    for_each_line(file, [&](std::string_view line, int) { texts.emplace_back(line); });
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

struct Speed {
  size_t texts = 0;
  double megabytes = 0;
  size_t tokens = 0;
  double one = 0, one_wall = 0, batch = 0;  // seconds
};

Speed measure(const Tokenizer& tokenizer, const std::vector<std::string>& texts) {
  Speed speed{.texts = texts.size()};
  for (const std::string& text : texts) speed.megabytes += static_cast<double>(text.size()) / 1e6;
  const auto one_by_one = [&] {
    speed.tokens = 0;
    for (const std::string& text : texts) speed.tokens += tokenizer.encode(text).size();
  };
  speed.one = median_seconds(processor_seconds, one_by_one);
  speed.one_wall = median_seconds(wall_seconds, one_by_one);
  speed.batch = median_seconds(wall_seconds, [&] { tokenizer.encode_batch(texts); });
  return speed;
}

void print_text(const Speed& s) {
  fmt::print(
      "{} texts, {:.1f} MB, {} tokens: one thread {:.1f} MB/s ({:.1f} by the wall clock), "
      "encode_batch {:.1f} MB/s\n",
      s.texts, s.megabytes, s.tokens, s.megabytes / s.one, s.megabytes / s.one_wall,
      s.megabytes / s.batch);
}

void print_json(const Speed& s) {
  const nlohmann::ordered_json line = {{"peer", "telora"},
                                       {"texts", s.texts},
                                       {"megabytes", s.megabytes},
                                       {"text_tokens", s.tokens},
                                       {"megabytes_per_second_of_one_thread", s.megabytes / s.one},
                                       {"megabytes_per_second_of_a_batch", s.megabytes / s.batch}};
  fmt::print("{}\n", line.dump());
}

int run(std::vector<std::string> arguments) {
  const bool json = std::erase(arguments, "--json") > 0;
  if (arguments.size() < 2) {
    fail(ErrorKind::kUsage, {"arguments", ""}, fmt::format("{}", arguments.size()),
         "bench_tokenizer [--json] TOKENIZER FILE...");
  }
  const Tokenizer tokenizer = read_tokenizer(find_backbone(arguments[0]).path);
  const Speed speed = measure(tokenizer, read_texts(std::span(arguments).subspan(1)));
  json ? print_json(speed) : print_text(speed);
  return 0;
}

}  // namespace
}  // namespace telora

int main(int argc, char** argv) {
  return telora::run_guarded([&] { return telora::run({argv + 1, argv + argc}); });
}
