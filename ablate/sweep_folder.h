#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ablate/plan_file.h"
#include "core/files.h"
#include "train/run_identity.h"

namespace telora {

enum class RunState { kNone, kBegun, kFinished };

// Where a run's folder stands: kFinished with telora.json, kBegun with recipe.yaml.
RunState run_state(const std::filesystem::path& folder);

// The files of one sweep: plan.json, runs/<name>/, ablation.json, ablation.html. Held by one driver
// at a time.
class SweepFolder {
 public:
  // Makes the folder and its plan, or finds that of the same sweep. Throws Error(cannot_create) if
  // it holds another sweep or anything else, Error(busy) if another driver is in it.
  static SweepFolder open(const std::filesystem::path& path, const Plan& plan);

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path path(const std::string& name) const { return root_ / name; }
  std::filesystem::path run(const PlannedRun& run) const { return root_ / "runs" / run.name; }

 private:
  SweepFolder(std::filesystem::path root, FolderLock lock)
      : root_(std::move(root)), lock_(std::move(lock)) {}
  std::filesystem::path root_;
  FolderLock lock_;
};

// Throws Error(config) naming folder, what differs and both digests if a finished run was made from
// other inputs than `expected`.
void require_same_inputs(const std::filesystem::path& run, const RunIdentity& expected);

}  // namespace telora
