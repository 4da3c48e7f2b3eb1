#include "tools/export_command.h"
#include "tools/main_guard.h"

int main(int argc, char** argv) {
  return telora::run_guarded([&] { return telora::export_command(argc, argv); });
}
