#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ablate/local_launcher.h"
#include "ablate/slurm_script.h"

namespace telora {

struct SlurmLaunch {
  SlurmScript script = {};
  std::function<void()> watch = {};       // several times a second
  std::function<bool()> stop_asked = {};  // true: the job is cancelled, which makes workers save
  std::function<void(const std::string& note)> note = {};
};

// Writes slurm/job.sh into the sweep's folder, submits it, and follows the array until no task of
// it is in the queue. How each ended is read off its runs' folders by the caller. Throws
// Error(unavailable) without sbatch or where Slurm refuses the job, with its words.
void launch_with_slurm(const SlurmLaunch& launch);

}  // namespace telora
