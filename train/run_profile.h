#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "backbone/decoder.h"
#include "core/profile.h"
#include "train/gemm_rate.h"

namespace telora {

// Bytes of this process by what holds them.
struct MemoryUse {
  int64_t peak = 0;             // most that was resident at once
  int64_t program = 0;          // resident before the backbone: program and libraries
  int64_t weights = 0;          // frozen
  int64_t adapters = 0;         // parameters, their gradients, the best ones; of all runs
  int64_t optimizers = 0;       // moments; of all runs
  int64_t activations() const;  // the rest of the peak: activations, buffers, rows
  bool operator==(const MemoryUse&) const = default;
};

// Where the time and memory of one run went. In a process of several runs, what they share is
// counted for the run that came first to it.
struct RunProfile {
  double seconds = 0;  // worked for this run
  std::vector<Profile::Part> parts;
  int64_t tokens = 0;       // of the steps that are counted, real ones
  double step_seconds = 0;  // of these steps
  double flops = 0;         // training_flops(), every row counted in full
  double flops_shared = 0;  // the same, what a batch's rows begin with counted once
  GemmRate gemm;            // of the machine
  MemoryUse memory;

  double share() const;  // of the machine's rate that the steps reached by `flops`; 0 without steps
  double shared_share() const;  // by `flops_shared`
};

// Seconds of the part called `name`, wherever it stands.
double seconds_of(const std::vector<Profile::Part>& parts, const std::string& name);

int64_t resident_bytes();  // of this process now

// UTF-8 lines for a person, each ended by \n.
std::string render_profile(const RunProfile& profile);
void write_profile(const std::filesystem::path& path, const RunProfile& profile);

}  // namespace telora
