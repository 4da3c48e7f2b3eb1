#include "tools/ablate_command.h"
#include "tools/interrupt.h"
#include "tools/main_guard.h"

int main(int argc, char** argv) {
  telora::catch_interrupts();
  return telora::run_guarded([&] { return telora::ablate_command(argc, argv); });
}
