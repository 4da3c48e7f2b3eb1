#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace telora {

struct SlurmOptions {
  std::string partition = {};  // empty: the cluster's default
  std::string account = {};    // empty: the user's default
  std::string time = {};       // of one task, "2:00:00"; empty: the partition's limit
  std::string memory = {};     // of one task, "8G"; empty: the partition's default
  int64_t cpus = 0;            // of one task; 0: the partition's default
  int64_t at_once = 0;         // tasks that run at once; 0: as many as the cluster gives
  int64_t grace = 60;          // seconds before the time limit at which a task saves and requeues
};

struct SlurmScript {
  std::string program = {};           // lora-ablate, on the shared folder or on every node
  std::filesystem::path folder = {};  // of the sweep, shared by the nodes
  std::vector<size_t> tasks = {};     // of its plan
  bool evaluate_test = true;
  SlurmOptions options = {};
};

// A job array, one task of the plan each, as `sbatch` takes it. A task that is preempted or near
// its time limit gets SIGTERM, saves a checkpoint, ends with 75 and is put into the queue again; it
// goes on from the checkpoint. Slurm's own names for all of it: sbatch(1).
std::string slurm_script(const SlurmScript& script);

// A file of the sweep's folder: while it is there, tasks that are stopped do not come back.
std::filesystem::path stop_mark(const std::filesystem::path& folder);

// "0-3,7" for 0, 1, 2, 3, 7.
std::string array_ranges(const std::vector<size_t>& tasks);

}  // namespace telora
