#include "tools/adapters_command.h"
#include "tools/main_guard.h"

int main(int argc, char** argv) {
  return telora::run_guarded([&] { return telora::adapters_command(argc, argv); });
}
