#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace telora {

struct FinishedProgram {
  int exit_code = -1;  // 128 + signal if killed
  std::string out, err;
};

// Runs a program of PATH (or a path with a slash) to its end, standard input empty. Throws
// Error(missing) where there is none of this name, Error(io) where it cannot be started.
FinishedProgram run_to_end(const std::vector<std::string>& arguments);

// A program that runs beside this one, in a process group of its own: signals of the terminal do
// not reach it.
class ChildProcess {
 public:
  // What it prints is appended to the file `log`. Throws as run_to_end() and Error(cannot_create).
  ChildProcess(const std::vector<std::string>& arguments, const std::filesystem::path& log);
  // Kills it where it still runs.
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;

  // Nothing while it runs; 128 + signal if killed.
  std::optional<int> exit_code();
  void signal(int number);

 private:
  pid_t process_ = -1;
  std::optional<int> exit_code_;
};

// Asks for SIGKILL when `parent`, which started this process, ends; ends at once if it has already.
void die_with_parent(pid_t parent);

}  // namespace telora
