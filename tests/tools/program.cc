#include "tests/tools/program.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "core/digest.h"
#include "core/files.h"
#include "tests/golden/scratch.h"

namespace telora {

namespace fs = std::filesystem;

namespace {

void redirect(int descriptor, const fs::path& file) {
  const int target = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  dup2(target, descriptor);
}

}  // namespace

pid_t start_program(const std::string& name, const std::vector<std::string>& arguments,
                    const fs::path& log) {
  const std::string program = std::string(TELORA_BIN_DIR) + "/" + name;
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    redirect(STDOUT_FILENO, log / "out");
    redirect(STDERR_FILENO, log / "err");
    execv(program.c_str(), argv.data());
    _exit(127);
  }
  return child;
}

int wait_program(pid_t process) {
  int status = 0;
  waitpid(process, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

ProgramResult run_program(const std::string& name, const std::vector<std::string>& arguments) {
  const golden::Scratch log;
  ProgramResult result;
  result.exit_code = wait_program(start_program(name, arguments, log.path()));
  result.out = read_text(log / "out");
  result.err = read_text(log / "err");
  return result;
}

std::string smollm2_path() {
  const fs::path path = fs::path(TELORA_SOURCE_DIR) / "models/smollm2-135m-instruct.gguf";
  return fs::exists(path) ? path.string() : "";
}

std::string folder_state(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[entry.path().string()] = sha256_file(entry.path());
  }
  std::string state;
  for (const auto& [name, digest] : files) state += name + " " + digest + "\n";
  return state;
}

void expect_refused(const ProgramResult& result, int code, const std::vector<std::string>& parts) {
  EXPECT_EQ(result.exit_code, code) << result.err;
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  for (const std::string& part : parts) EXPECT_THAT(result.err, testing::HasSubstr(part));
}

}  // namespace telora
