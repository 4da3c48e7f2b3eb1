#include "ablate/local_launcher.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "core/files.h"
#include "core/subprocess.h"

namespace telora {

namespace {

constexpr auto kBetweenLooks = std::chrono::milliseconds(200);

class Launcher {
 public:
  explicit Launcher(const LocalLaunch& launch) : launch_(launch) {
    create_folders(launch.folder / "logs");
  }

  std::vector<TaskEnd> run() {
    for (;;) {
      if (!stopping_ && launch_.stop_asked && launch_.stop_asked()) stop();
      while (!stopping_ && next_ < launch_.tasks.size() && std::ssize(running_) < launch_.jobs) {
        start(launch_.tasks[next_++]);
      }
      collect();
      if (launch_.watch) launch_.watch();
      if (running_.empty() && (stopping_ || next_ == launch_.tasks.size())) return ends_;
      std::this_thread::sleep_for(kBetweenLooks);
    }
  }

 private:
  struct Running {
    size_t task;
    ChildProcess process;
  };

  // Processes that each take all cores would mostly wait for each other.
  std::vector<std::string> shared_cores() const {
    if (launch_.jobs < 2 || ::getenv("OMP_NUM_THREADS") != nullptr) return {};
    const int64_t cores = std::max(1U, std::thread::hardware_concurrency());
    return {"env", fmt::format("OMP_NUM_THREADS={}", std::max<int64_t>(1, cores / launch_.jobs)),
            "OMP_WAIT_POLICY=PASSIVE"};
  }

  void start(size_t task) {
    std::vector<std::string> arguments = shared_cores();
    for (const std::string& word :
         {launch_.program, std::string("work"), launch_.folder.string(), std::string("--task"),
          std::to_string(task), std::string("--parent"), std::to_string(::getpid())}) {
      arguments.push_back(word);
    }
    if (!launch_.evaluate_test) arguments.emplace_back("--no-eval");
    const auto log = launch_.folder / "logs" / fmt::format("task-{}.log", task);
    running_.push_back({task, ChildProcess(arguments, log)});
  }

  void collect() {
    std::vector<Running> left;
    for (Running& one : running_) {
      if (const auto code = one.process.exit_code()) {
        ends_.push_back({one.task, *code});
      } else {
        left.push_back(std::move(one));
      }
    }
    running_ = std::move(left);
  }

  // Each worker gets one signal: the second would end it without a checkpoint.
  void stop() {
    stopping_ = true;
    for (Running& one : running_) one.process.signal(SIGTERM);
  }

  const LocalLaunch& launch_;
  std::vector<Running> running_;
  std::vector<TaskEnd> ends_;
  size_t next_ = 0;
  bool stopping_ = false;
};

}  // namespace

std::vector<TaskEnd> launch_locally(const LocalLaunch& launch) { return Launcher(launch).run(); }

}  // namespace telora
