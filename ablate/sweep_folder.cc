#include "ablate/sweep_folder.h"

#include <fmt/format.h>

#include "core/document.h"
#include "core/error.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

constexpr const char* kPlan = "plan.json";

// Nothing but the lock and what was tried before the sweep.
bool is_empty_folder(const fs::path& path) {
  for (const auto& entry : fs::directory_iterator(path)) {
    const auto name = entry.path().filename();
    if (name != ".lock" && name != "lr-scan") return false;
  }
  return true;
}

[[noreturn]] void refuse(const fs::path& path, std::string_view found) {
  fail(ErrorKind::kCannotCreate, {path.string(), "--out"}, found,
       "the folder of this sweep, or a new one", "choose another --out");
}

}  // namespace

RunState run_state(const fs::path& folder) {
  if (fs::exists(folder / "telora.json")) return RunState::kFinished;
  return fs::exists(folder / "recipe.yaml") ? RunState::kBegun : RunState::kNone;
}

SweepFolder SweepFolder::open(const fs::path& path, const Plan& plan) {
  create_folders(path);
  FolderLock lock(path);
  const fs::path file = path / kPlan;
  if (!fs::exists(file)) {
    if (!is_empty_folder(path)) refuse(path, "files that are not of a sweep");
  } else if (plan_digest(read_plan(file).runs) != plan_digest(plan.runs)) {
    refuse(path, "another sweep");
  }
  remove_temporary_files(path);
  create_folders(path / "runs");
  write_plan(file, plan);  // tasks may be other ones: those of this number of jobs
  return {path, std::move(lock)};
}

void require_same_inputs(const fs::path& run, const RunIdentity& expected) {
  const fs::path file = run / "telora.json";
  Fields manifest(Document::parse_json(read_text(file), file.string()));
  Fields digests = manifest.object("sha256");
  RunIdentity found;
  for (const std::string& key : digests.keys()) found[key] = digests.string(key);
  require_same_identity(found, expected, run.string());
}

}  // namespace telora
