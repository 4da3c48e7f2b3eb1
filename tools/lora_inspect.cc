#include "tools/inspect_command.h"
#include "tools/main_guard.h"

int main(int argc, char** argv) {
  return telora::run_guarded([&] { return telora::inspect_command(argc, argv); });
}
