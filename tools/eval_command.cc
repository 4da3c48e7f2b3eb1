#include "tools/eval_command.h"

#include <vector>

#include "tools/command_line.h"
#include "tools/eval_compare.h"
#include "tools/eval_parse.h"
#include "tools/eval_probes.h"
#include "tools/eval_report.h"
#include "tools/eval_run.h"

namespace telora {

int eval_command(int argc, char** argv) {
  CLI::App app("Score a backbone with and without adapters, beside what costs nothing.",
               "lora-eval");
  const std::vector<Subcommand> commands = {add_eval_run(app), add_eval_probes(app),
                                            add_eval_compare(app), add_eval_report(app),
                                            add_eval_parse(app)};
  app.require_subcommand(1);
  set_up_command(
      app, "lora-eval run --category oran-bench --adapter runs/oran-bench-r16-1 --data sample");
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  for (const Subcommand& command : commands) {
    if (command.app->parsed()) return command.run();
  }
  return 0;
}

}  // namespace telora
