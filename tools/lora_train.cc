#include <cstdio>

#include "tools/interrupt.h"
#include "tools/main_guard.h"
#include "tools/train_command.h"

int main(int argc, char** argv) {
  telora::catch_interrupts();
  return telora::run_guarded([&] { return telora::train_command(argc, argv); });
}
