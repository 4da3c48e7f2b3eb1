#include "tools/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace telora {
namespace {

// Runs `body` in a process of its own; its exit code, or -signal if one killed it.
int exit_of(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Interrupt, NothingIsCaughtAtFirst) {
  EXPECT_EQ(exit_of([] {
              catch_interrupts();
              return caught_signal();
            }),
            0);
}

TEST(Interrupt, TheFirstSignalIsOnlyNoted) {
  for (const int signal : {SIGINT, SIGTERM}) {
    EXPECT_EQ(exit_of([signal] {
                catch_interrupts();
                raise(signal);
                return caught_signal();
              }),
              signal);
  }
}

TEST(Interrupt, TheSecondEndsTheProcess) {
  EXPECT_EQ(exit_of([] {
              catch_interrupts();
              raise(SIGTERM);
              raise(SIGINT);
              return 0;
            }),
            130);
  EXPECT_EQ(exit_of([] {
              catch_interrupts();
              raise(SIGINT);
              raise(SIGTERM);
              return 0;
            }),
            143);
}

TEST(Interrupt, WithoutHandlersASignalKills) {
  EXPECT_EQ(exit_of([] {
              raise(SIGTERM);
              return 0;
            }),
            -SIGTERM);
}

}  // namespace
}  // namespace telora
