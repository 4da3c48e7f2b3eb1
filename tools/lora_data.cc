#include "tools/data_command.h"
#include "tools/main_guard.h"

int main(int argc, char** argv) {
  return telora::run_guarded([&] { return telora::data_command(argc, argv); });
}
