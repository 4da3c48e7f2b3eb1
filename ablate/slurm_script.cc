#include "ablate/slurm_script.h"

#include <fmt/format.h>

namespace telora {

namespace {

std::string directive(const char* option, const std::string& value) {
  return value.empty() ? "" : fmt::format("#SBATCH --{}={}\n", option, value);
}

// For a POSIX shell.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

}  // namespace

std::filesystem::path stop_mark(const std::filesystem::path& folder) {
  return folder / "slurm" / "stop";
}

std::string array_ranges(const std::vector<size_t>& tasks) {
  std::string text;
  for (size_t i = 0; i < tasks.size();) {
    size_t end = i;
    while (end + 1 < tasks.size() && tasks[end + 1] == tasks[end] + 1) ++end;
    text += text.empty() ? "" : ",";
    text += end == i ? fmt::format("{}", tasks[i]) : fmt::format("{}-{}", tasks[i], tasks[end]);
    i = end + 1;
  }
  return text;
}

std::string slurm_script(const SlurmScript& script) {
  const SlurmOptions& o = script.options;
  const std::string folder = std::filesystem::absolute(script.folder).lexically_normal().string();
  std::string array = array_ranges(script.tasks);
  if (o.at_once > 0) array += fmt::format("%{}", o.at_once);
  std::string text = "#!/bin/sh\n";
  text += directive("job-name", "lora-ablate") + directive("array", array);
  text += directive("output", folder + "/logs/task-%a.log");
  text += "#SBATCH --open-mode=append\n#SBATCH --requeue\n";
  text += directive("signal", fmt::format("B:TERM@{}", o.grace));
  text += directive("partition", o.partition) + directive("account", o.account) +
          directive("time", o.time) + directive("mem", o.memory);
  if (o.cpus > 0) text += directive("cpus-per-task", fmt::format("{}", o.cpus));
  // As many threads as the task has processors. The shell hands SIGTERM on and waits: the worker
  // saves, and 75 puts the task into the queue again.
  text += fmt::format(
      "\nthreads=${{SLURM_CPUS_PER_TASK:-$SLURM_CPUS_ON_NODE}}\n"
      "[ -n \"$threads\" ] && export OMP_NUM_THREADS=\"${{OMP_NUM_THREADS:-$threads}}\"\n"
      "{} work {} --task \"$SLURM_ARRAY_TASK_ID\"{} &\n"
      "worker=$!\n"
      "trap 'kill -TERM \"$worker\" 2>/dev/null' TERM\n"
      "wait \"$worker\"; code=$?\n"
      "while kill -0 \"$worker\" 2>/dev/null; do wait \"$worker\"; code=$?; done\n"
      "if [ \"$code\" -eq 75 ] && [ ! -e {} ]; then\n"
      "  scontrol requeue \"${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}\" && exit 0\n"
      "fi\n"
      "exit \"$code\"\n",
      quoted(script.program), quoted(folder), script.evaluate_test ? "" : " --no-eval",
      quoted(stop_mark(folder).string()));
  return text;
}

}  // namespace telora
