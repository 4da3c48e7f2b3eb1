#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace telora {

struct LocalLaunch {
  std::string program = {};           // lora-ablate itself
  std::filesystem::path folder = {};  // of the sweep
  std::vector<size_t> tasks = {};     // of its plan
  int64_t jobs = 1;                   // tasks that run at once
  bool evaluate_test = true;
  std::function<void()> watch = {};       // several times a second
  std::function<bool()> stop_asked = {};  // true: every worker saves a checkpoint and ends
};

// How a task's process ended: 0 where all its runs are finished.
struct TaskEnd {
  size_t task = 0;
  int exit_code = 0;
};

// Runs each task in a process of its own (`PROGRAM work FOLDER --task N`), so many at once, until
// all have ended; their messages go to logs/task-N.log. Workers die with this process. Throws as
// ChildProcess.
std::vector<TaskEnd> launch_locally(const LocalLaunch& launch);

}  // namespace telora
