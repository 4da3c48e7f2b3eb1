#include "core/subprocess.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "core/descriptor.h"
#include "core/error.h"

extern char** environ;

namespace telora {

namespace {

// A file in memory takes what a program prints: nobody needs to read while it runs.
Descriptor memory_file() {
  Descriptor file(memfd_create("telora", MFD_CLOEXEC));
  if (!file.valid()) fail(ErrorKind::kIo, {"memory", {}}, errno_text(errno), "a file in it");
  return file;
}

std::string text_of(const Descriptor& file) {
  std::string text;
  std::array<char, 65536> piece{};
  for (;;) {
    const ssize_t count =
        pread(file.get(), piece.data(), piece.size(), static_cast<off_t>(text.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(piece.data(), static_cast<size_t>(count));
  }
}

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void open(int as, const char* name) {
    posix_spawn_file_actions_addopen(&actions_, as, name, O_RDONLY, 0);
  }
  void use(int as, const Descriptor& file) {
    posix_spawn_file_actions_adddup2(&actions_, file.get(), as);
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

pid_t start(const std::vector<std::string>& arguments, const FileActions& files) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));  // posix_spawn() leaves them alone
  }
  pointers.push_back(nullptr);
  pid_t process = 0;
  const int error =
      posix_spawnp(&process, pointers[0], files.get(), nullptr, pointers.data(), environ);
  if (error == 0) return process;
  fail(error == ENOENT ? ErrorKind::kMissing : ErrorKind::kIo, {arguments.front(), {}},
       errno_text(error), "a program that can be run");
}

int exit_code_of(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

FinishedProgram run_to_end(const std::vector<std::string>& arguments) {
  const Descriptor out = memory_file(), err = memory_file();
  FileActions files;
  files.open(STDIN_FILENO, "/dev/null");
  files.use(STDOUT_FILENO, out);
  files.use(STDERR_FILENO, err);
  const int exit_code = exit_code_of(start(arguments, files));
  return {exit_code, text_of(out), text_of(err)};
}

}  // namespace telora
