#include "core/subprocess.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

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

enum class Group { kOurs, kOwn };

class Attributes {
 public:
  explicit Attributes(Group group) {
    posix_spawnattr_init(&attributes_);
    if (group == Group::kOurs) return;
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

pid_t start(const std::vector<std::string>& arguments, const FileActions& files, Group group) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));  // posix_spawn() leaves them alone
  }
  pointers.push_back(nullptr);
  const Attributes attributes(group);
  pid_t process = 0;
  const int error =
      posix_spawnp(&process, pointers[0], files.get(), attributes.get(), pointers.data(), environ);
  if (error == 0) return process;
  fail(error == ENOENT ? ErrorKind::kMissing : ErrorKind::kIo, {arguments.front(), {}},
       errno_text(error), "a program that can be run");
}

int exit_code_of_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int exit_code_of(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return exit_code_of_status(status);
}

}  // namespace

FinishedProgram run_to_end(const std::vector<std::string>& arguments) {
  const Descriptor out = memory_file(), err = memory_file();
  FileActions files;
  files.open(STDIN_FILENO, "/dev/null");
  files.use(STDOUT_FILENO, out);
  files.use(STDERR_FILENO, err);
  const int exit_code = exit_code_of(start(arguments, files, Group::kOurs));
  return {exit_code, text_of(out), text_of(err)};
}

ChildProcess::ChildProcess(const std::vector<std::string>& arguments,
                           const std::filesystem::path& log) {
  const Descriptor output =
      open_descriptor(log.string(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (!output.valid()) {
    fail(ErrorKind::kCannotCreate, {log.string(), {}}, errno_text(errno), "a file for a log");
  }
  FileActions files;
  files.open(STDIN_FILENO, "/dev/null");
  files.use(STDOUT_FILENO, output);
  files.use(STDERR_FILENO, output);
  process_ = start(arguments, files, Group::kOwn);
}

ChildProcess::~ChildProcess() {
  if (process_ < 0 || exit_code()) return;
  ::kill(process_, SIGKILL);
  exit_code_of(process_);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : process_(std::exchange(other.process_, -1)), exit_code_(other.exit_code_) {}

std::optional<int> ChildProcess::exit_code() {
  int status = 0;
  if (!exit_code_ && waitpid(process_, &status, WNOHANG) == process_) {
    exit_code_ = exit_code_of_status(status);
  }
  return exit_code_;
}

void ChildProcess::signal(int number) {
  if (!exit_code()) ::kill(process_, number);
}

void die_with_parent(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::raise(SIGKILL);
}

}  // namespace telora
