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

// Seconds by the clock and of the processor: the latter hardly depend on what else runs.
struct Cost {
  double wall;
  double processor;
};

double processor_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Cost cost_of(const std::function<void()>& action) {
  const auto begin = std::chrono::steady_clock::now();
  const double used = processor_seconds();
  action();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  return {wall.count(), processor_seconds() - used};
}

// On a shared machine the least is nearest to what the program takes.
void print_costs(const char* what, const std::function<void()>& action) {
  action();
  std::vector<double> wall, processor;
  for (int i = 0; i < kRounds; ++i) {
    const Cost cost = cost_of(action);
    wall.push_back(cost.wall);
    processor.push_back(cost.processor);
  }
  std::ranges::sort(wall);
  std::ranges::sort(processor);
  fmt::print("{:<26} least {:.3f} s, median {:.3f} s, of the processor {:.3f} s\n", what,
             wall.front(), wall[kRounds / 2], processor[kRounds / 2]);
}

int run(const std::string& name, at::ScalarType dtype) {
  const auto path = telora::find_backbone(name).path;
  const auto checkpoint = telora::Checkpoint::open(path);
  telora::load_backbone(name, dtype);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  fmt::print("{} threads, peak memory {} MB after the first load\n", at::get_num_threads(),
             usage.ru_maxrss / 1000);
  print_costs("headers", [&] { telora::Checkpoint::open(path); });
  print_costs("tokenizer", [&] { telora::read_tokenizer(path); });
  print_costs("weights", [&] { checkpoint.load_all(dtype); });
  print_costs("digest", [&] { checkpoint.digest(); });
  print_costs("all of it, ready to run", [&] { telora::load_backbone(name, dtype); });
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return telora::run_guarded([&] {
    const bool bf16 = argc > 2 && std::string(argv[2]) == "bf16";
    return run(argc > 1 ? argv[1] : "smollm2-135m", bf16 ? at::kBFloat16 : at::kFloat);
  });
}
