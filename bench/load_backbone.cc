// Times the parts of loading a backbone: load_backbone [NAME] [f32|bf16]. From the page cache: the
// first round only warms it.
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

#include "backbone/backbone.h"
#include "backbone/torch.h"
#include "tools/main_guard.h"

namespace {

constexpr int kRounds = 7;

double seconds_of(const std::function<void()>& action) {
  const auto begin = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Least and median: on a shared machine the least is nearest to what the program takes.
void print_times(const char* what, const std::function<void()>& action) {
  action();
  std::vector<double> times;
  for (int i = 0; i < kRounds; ++i) times.push_back(seconds_of(action));
  std::ranges::sort(times);
  fmt::print("{:<28} least {:.3f} s, median {:.3f} s\n", what, times.front(), times[kRounds / 2]);
}

int run(const std::string& name, at::ScalarType dtype) {
  const auto path = telora::find_backbone(name).path;
  const auto checkpoint = telora::Checkpoint::open(path);
  telora::load_backbone(name, dtype);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  fmt::print("{} threads, peak memory {} MB after the first load\n", at::get_num_threads(),
             usage.ru_maxrss / 1000);
  print_times("headers", [&] { telora::Checkpoint::open(path); });
  print_times("tokenizer", [&] { telora::read_tokenizer(path); });
  print_times("weights", [&] { checkpoint.load_all(dtype); });
  print_times("digest", [&] { checkpoint.digest(); });
  print_times("all of it, ready to run", [&] { telora::load_backbone(name, dtype); });
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return telora::run_guarded([&] {
    const bool bf16 = argc > 2 && std::string(argv[2]) == "bf16";
    return run(argc > 1 ? argv[1] : "smollm2-135m", bf16 ? at::kBFloat16 : at::kFloat);
  });
}
