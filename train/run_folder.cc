#include "train/run_folder.h"

#include <fmt/format.h>

#include "train/checkpoint.h"

namespace telora {

namespace fs = std::filesystem;

namespace {

// Names that only a run of telora (or an adapter, which must not be overwritten) leaves behind.
constexpr const char* kTraces[] = {"recipe.yaml",         "telora.json",
                                   "checkpoints",         "metrics.jsonl",
                                   "adapter_config.json", "adapter_model.safetensors"};

// An empty folder of checkpoints is what a run killed before its recipe was written leaves: it can
// neither be resumed nor lost, so the same command begins it anew.
bool is_trace(const fs::path& path) {
  return fs::exists(path) && !(fs::is_directory(path) && fs::is_empty(path));
}

void require_empty(const fs::path& path) {
  for (const char* trace : kTraces) {
    if (!is_trace(path / trace)) continue;
    fail(ErrorKind::kCannotCreate, {path.string(), "--out"}, fmt::format("another run ({})", trace),
         "a new or empty folder", "continue that run with --resume, or choose another --out");
  }
}

}  // namespace

RunFolder RunFolder::create(const fs::path& path) {
  create_folders(path);
  FolderLock lock(path);
  require_empty(path);
  create_folders(path / "checkpoints");
  return {path, std::move(lock)};
}

RunFolder RunFolder::resume(const fs::path& path) {
  if (!fs::exists(path / "recipe.yaml")) {
    fail(ErrorKind::kMissing, {path.string(), "--resume"}, "no recipe.yaml",
         "the folder of a run that was begun", "start a run with --out");
  }
  if (fs::exists(path / "telora.json")) {
    fail(ErrorKind::kUsage, {path.string(), "--resume"}, "a finished run",
         "one that was interrupted", "its adapter is ready; start a new run with --out");
  }
  FolderLock lock(path);
  create_folders(path / "checkpoints");
  remove_temporary_files(path);
  remove_unfinished_checkpoints(path / "checkpoints");
  return {path, std::move(lock)};
}

fs::path next_run_path(const std::string& category, int64_t rank) {
  for (int64_t n = 1;; ++n) {
    const fs::path path = fs::path("runs") / fmt::format("{}-r{}-{}", category, rank, n);
    if (!fs::exists(path)) return path;
  }
}

}  // namespace telora
