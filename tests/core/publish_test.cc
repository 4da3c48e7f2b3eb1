#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/files.h"
#include "support.h"

namespace telora {
namespace {

// Files of this process end at `bytes` while it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

// A tmpfs of 64 KiB; not mounted where the process may not mount.
class SmallDisk {
 public:
  explicit SmallDisk(const std::filesystem::path& at, const char* options) : at_(at) {
    std::filesystem::create_directory(at);
    mounted_ = ::mount("tmpfs", at.c_str(), "tmpfs", 0, options) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount(at_.c_str());
  }
  bool mounted() const { return mounted_; }
  bool make_read_only() const {
    return ::mount("tmpfs", at_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) == 0;
  }

 private:
  std::filesystem::path at_;
  bool mounted_ = false;
};

TEST(PublishTest, WritesAndReplaces) {
  const TempFolder folder;
  publish(folder / "a.txt", "first");
  publish(folder / "a.txt", "second");
  EXPECT_EQ(file_bytes(folder / "a.txt"), "second");
  EXPECT_EQ(folder.entries(), std::vector<std::string>{"a.txt"});
}

TEST(PublishTest, StreamsManyParts) {
  const TempFolder folder;
  std::string want;
  publish_with(folder / "a.bin", [&](OutputFile& output) {
    for (int i = 0; i < 300; ++i) {
      const std::string part(static_cast<size_t>(i) * 97, static_cast<char>(i));
      output.append(part);
      want += part;
    }
    const std::string large(5 << 20, 'L');
    output.append(std::as_bytes(std::span(large)));
    want += large;
  });
  EXPECT_EQ(file_bytes(folder / "a.bin"), want);
}

TEST(PublishTest, AFailedWriterLeavesTheOldFileAlone) {
  const TempFolder folder;
  publish(folder / "a.txt", "old");
  EXPECT_THROW(publish_with(folder / "a.txt",
                            [](OutputFile& output) {
                              output.append("half");
                              throw std::runtime_error("stop");
                            }),
               std::runtime_error);
  EXPECT_EQ(file_bytes(folder / "a.txt"), "old");
  EXPECT_EQ(folder.entries(), std::vector<std::string>{"a.txt"});
}

TEST(PublishTest, AFileSizeLimitIsAnIoErrorThatLeavesNothing) {
  const TempFolder folder;
  publish(folder / "a.txt", "old");
  std::string message;
  {
    const FileSizeLimit limit(100'000);
    const std::string large(3 << 20, 'x');
    message = error_of(ErrorKind::kIo, [&] { publish(folder / "a.txt", large); });
  }
  EXPECT_TRUE(names(message, {"a.txt", "bytes free", "at least 3145728 bytes"}));
  EXPECT_EQ(file_bytes(folder / "a.txt"), "old");
  EXPECT_EQ(folder.entries(), std::vector<std::string>{"a.txt"});
}

TEST(PublishTest, AFullDiskNamesNeededAndFreeBytes) {
  const TempFolder folder;
  const SmallDisk disk(folder / "disk", "size=64k");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a tmpfs needs root";
  publish(folder / "disk/a.txt", "old");
  const std::string message =
      error_of(ErrorKind::kIo, [&] { publish(folder / "disk/a.txt", std::string(200'000, 'x')); });
  EXPECT_TRUE(
      names(message, {"a.txt", "No space left", "with 61440 bytes free", "at least 200000 bytes"}));
  EXPECT_EQ(file_bytes(folder / "disk/a.txt"), "old");
  const auto count = std::distance(std::filesystem::directory_iterator(folder / "disk"), {});
  EXPECT_EQ(count, 1);
}

TEST(PublishTest, AReadOnlyDiskCannotBeWrittenTo) {
  const TempFolder folder;
  const SmallDisk disk(folder / "disk", "size=64k");
  if (!disk.mounted() || !disk.make_read_only()) GTEST_SKIP() << "mounting a tmpfs needs root";
  const std::string message =
      error_of(ErrorKind::kCannotCreate, [&] { publish(folder / "disk/a.txt", "x"); });
  EXPECT_TRUE(names(message, {"a.txt", "Read-only"}));
  EXPECT_TRUE(
      names(error_of(ErrorKind::kCannotCreate, [&] { create_folders(folder / "disk/sub/deep"); }),
            {"sub", "Read-only"}));
}

TEST(PublishTest, PlacesWhereNoFileCanBeAreCannotCreate) {
  const TempFolder folder;
  folder.file("plain", "x");
  std::filesystem::create_directory(folder / "taken");
  for (const char* name : {"absent/a.txt", "plain/a.txt", "taken", "taken/"}) {
    const std::string message =
        error_of(ErrorKind::kCannotCreate, [&] { publish(folder / name, "x"); });
    EXPECT_TRUE(names(message, {name}));
  }
  EXPECT_EQ(folder.entries(), (std::vector<std::string>{"plain", "taken"}));
  EXPECT_TRUE(std::filesystem::is_empty(folder / "taken"));
}

TEST(CreateFoldersTest, MakesAllParentsAndAcceptsExistingOnes) {
  const TempFolder folder;
  create_folders(folder / "a/b/c/");
  create_folders(folder / "a/b/c");
  EXPECT_TRUE(std::filesystem::is_directory(folder / "a/b/c"));
  folder.file("plain", "x");
  const std::string message =
      error_of(ErrorKind::kCannotCreate, [&] { create_folders(folder / "plain/deep"); });
  EXPECT_TRUE(names(message, {"plain"}));
}

// In a child process: whether taking the lock gives the message that names the holder.
int try_lock_in_child(const std::filesystem::path& folder, const std::string& holder) {
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 1;
    try {
      const FolderLock lock(folder);
    } catch (const Error& error) {
      const bool named = std::string(error.what()).find(holder) != std::string::npos;
      code = error.kind() == ErrorKind::kBusy && named ? 0 : 2;
    }
    ::_exit(code);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(FolderLockTest, AnotherProcessIsRefusedAndToldTheHolder) {
  const TempFolder folder;
  {
    const FolderLock lock(folder.path());
    EXPECT_EQ(try_lock_in_child(folder.path(), "pid " + std::to_string(::getpid())), 0);
    EXPECT_EQ(try_lock_in_child(folder.path(), "pid " + std::to_string(::getpid())), 0);
  }
  EXPECT_EQ(try_lock_in_child(folder.path(), ""), 1) << "the lock is free again";
  EXPECT_TRUE(folder.entries().empty());
}

TEST(FolderLockTest, ALockOfAKilledProcessIsTakenOver) {
  const TempFolder folder;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(folder.path());
    const ssize_t written = ::write(ready[1], "x", 1);
    for (;;) ::pause();
    ::_exit(static_cast<int>(written));
  }
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  const std::string message =
      error_of(ErrorKind::kBusy, [&] { const FolderLock lock(folder.path()); });
  EXPECT_TRUE(names(message, {folder.path().string(), "pid " + std::to_string(child)}));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(folder.entries(), std::vector<std::string>{".lock"});
  EXPECT_NO_THROW(const FolderLock lock(folder.path()));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(FolderLockTest, NeverFollowsALinkAndNeedsTheFolder) {
  const TempFolder folder;
  const auto victim = folder.file("victim", "precious");
  std::filesystem::create_symlink(victim, folder / ".lock");
  error_of(ErrorKind::kCannotCreate, [&] { const FolderLock lock(folder.path()); });
  EXPECT_EQ(file_bytes(victim), "precious");
  error_of(ErrorKind::kCannotCreate, [&] { const FolderLock lock(folder / "absent"); });
}

TEST(FolderLockTest, MovesWithItsOwner) {
  const TempFolder folder;
  FolderLock first(folder.path());
  const FolderLock second(std::move(first));
  error_of(ErrorKind::kBusy, [&] { const FolderLock third(folder.path()); });
}

}  // namespace
}  // namespace telora
