#include "tools/adapters_command.h"

#include <vector>

#include "tools/adapters_pack.h"
#include "tools/command_line.h"

namespace telora {

int adapters_command(int argc, char** argv) {
  CLI::App app("Manage adapters: make them smaller.", "lora-adapters");
  const std::vector<Subcommand> commands = {add_adapters_pack(app)};
  app.require_subcommand(1);
  set_up_command(app, "lora-adapters pack --adapter runs/oran-bench-r16-1 --rank 4 --out oran-r4");
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  for (const Subcommand& command : commands) {
    if (command.app->parsed()) return command.run();
  }
  return 0;
}

}  // namespace telora
