#include "train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "backbone/torch.h"
#include "core/digest.h"
#include "core/document.h"
#include "core/files.h"
#include "core/safetensors.h"

namespace telora {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kState = "state.safetensors";
constexpr const char* kManifest = "manifest.json";

TensorBytes as_bytes(const std::string& name, const at::Tensor& tensor) {
  return {name,
          Dtype::kF32,
          {tensor.numel()},
          {static_cast<const std::byte*>(tensor.data_ptr()), static_cast<size_t>(tensor.nbytes())}};
}

// Files are written from the processor's memory, wherever training runs.
TrainState on_cpu(TrainState state) {
  for (auto part : {&TrainState::parameters, &TrainState::first_moment, &TrainState::second_moment,
                    &TrainState::best_parameters, &TrainState::initial_parameters}) {
    if ((state.*part).defined()) state.*part = (state.*part).to(at::kCPU);
  }
  return state;
}

void write_state(const fs::path& path, const TrainState& state) {
  std::vector<TensorBytes> tensors = {as_bytes("best_parameters", state.best_parameters),
                                      as_bytes("first_moment", state.first_moment),
                                      as_bytes("parameters", state.parameters),
                                      as_bytes("second_moment", state.second_moment)};
  if (state.initial_parameters.defined())
    tensors.push_back(as_bytes("initial_parameters", state.initial_parameters));
  write_safetensors(path, tensors, {});
}

Json manifest_of(const fs::path& state_file, const TrainState& state, const RunIdentity& identity) {
  return {{"format", 1},
          {"step", state.step},
          {"tokens_total", state.tokens_total},
          {"seconds", state.seconds},
          {"step_seconds", state.step_seconds},
          {"step_tokens", state.step_tokens},
          {"evaluation_due", state.evaluation_due},
          {"early_stop", to_json_value(state.early_stop)},
          {"identity", identity},
          {"state_bytes", fs::file_size(state_file)},
          {"state_sha256", sha256_file(state_file)}};
}

// Step folders, newest first, that have a manifest.
std::vector<fs::path> find_checkpoints(const fs::path& folder) {
  std::vector<fs::path> found;
  if (!fs::is_directory(folder)) return found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("step-") && !name.ends_with(".damaged") &&
        fs::exists(entry.path() / kManifest)) {
      found.push_back(entry.path());
    }
  }
  std::ranges::sort(
      found, [](const fs::path& a, const fs::path& b) { return a.filename() > b.filename(); });
  return found;
}

void remove_all_but(const fs::path& folder, int64_t keep) {
  const std::vector<fs::path> all = find_checkpoints(folder);
  std::error_code ignored;
  for (size_t i = static_cast<size_t>(std::max<int64_t>(keep, 1)); i < all.size(); ++i) {
    fs::remove(all[i] / kManifest, ignored);  // first: without it the rest counts for nothing
    fs::remove_all(all[i], ignored);
  }
}

at::Tensor read_vector(const SafetensorsFile& file, const std::string& name) {
  const SafetensorsEntry* entry = file.find(name);
  if (!entry || entry->dtype != Dtype::kF32 || entry->shape.size() != 1) {
    fail(ErrorKind::kData, {file.name(), name}, "no such float32 vector", "one",
         "remove this checkpoint");
  }
  at::Tensor tensor = at::empty({entry->shape[0]}, at::kFloat);
  file.read(*entry, 0,
            {static_cast<std::byte*>(tensor.data_ptr()), static_cast<size_t>(tensor.nbytes())});
  return tensor;
}

void check_state_file(const fs::path& path, Fields& manifest) {
  const std::string wanted = manifest.string("state_sha256");
  const int64_t bytes = manifest.integer("state_bytes", {.min = 0});
  const std::string found = sha256_file(path);
  if (fs::file_size(path) == static_cast<uintmax_t>(bytes) && found == wanted) return;
  fail(ErrorKind::kData, {path.string(), "sha256"}, found, wanted);
}

LoadedCheckpoint read_checkpoint(const fs::path& folder) {
  const std::string file = (folder / kManifest).string();
  const Document document = Document::parse_json(read_text(file), file);
  Fields manifest(document);
  manifest.integer("format", {.min = 1, .max = 1});
  LoadedCheckpoint loaded;
  loaded.name = folder.filename();
  TrainState& state = loaded.state;
  state.step = manifest.integer("step", {.min = 0});
  state.tokens_total = manifest.integer("tokens_total", {.min = 0});
  state.seconds = manifest.number("seconds");
  state.step_seconds = manifest.number("step_seconds");
  state.step_tokens = manifest.integer("step_tokens", {.min = 0});
  state.evaluation_due = manifest.boolean("evaluation_due");
  state.early_stop = read_early_stop(manifest.object("early_stop"));
  Fields identity = manifest.object("identity");
  for (const std::string& key : identity.keys()) loaded.identity[key] = identity.string(key);
  check_state_file(folder / kState, manifest);
  manifest.finish();
  const SafetensorsFile tensors(folder / kState);
  state.parameters = read_vector(tensors, "parameters");
  state.first_moment = read_vector(tensors, "first_moment");
  state.second_moment = read_vector(tensors, "second_moment");
  state.best_parameters = read_vector(tensors, "best_parameters");
  if (tensors.find("initial_parameters"))
    state.initial_parameters = read_vector(tensors, "initial_parameters");
  return loaded;
}

}  // namespace

void save_checkpoint(const fs::path& folder, const TrainState& state, const RunIdentity& identity,
                     int64_t keep) {
  const fs::path target = folder / fmt::format("step-{:06}", state.step);
  std::error_code ignored;
  fs::remove(target / kManifest,
             ignored);  // of an earlier save of this step, cut short or superseded
  create_folders(target);
  try {
    write_state(target / kState, on_cpu(state));
    publish(target / kManifest, manifest_of(target / kState, state, identity).dump(1) + "\n");
  } catch (const Error&) {
    fs::remove_all(target, ignored);
    throw;
  }
  sync_folder(folder);
  remove_all_but(folder, keep);
}

std::optional<LoadedCheckpoint> load_newest_checkpoint(const fs::path& folder) {
  std::vector<std::string> damaged;
  std::string reason;
  for (const fs::path& candidate : find_checkpoints(folder)) {
    try {
      LoadedCheckpoint loaded = read_checkpoint(candidate);
      loaded.damaged = std::move(damaged);
      return loaded;
    } catch (const Error& error) {
      reason = error.what();
      damaged.push_back(candidate.filename());
      std::error_code ignored;
      fs::rename(candidate, candidate.string() + ".damaged", ignored);
    }
  }
  if (damaged.empty()) return std::nullopt;
  throw Error(ErrorKind::kData,
              fmt::format("{}: every checkpoint is damaged, last: {}", folder.string(), reason));
}

void remove_unfinished_checkpoints(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> unfinished;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("step-") && !fs::exists(entry.path() / kManifest)) {
      unfinished.push_back(entry.path());
    }
  }
  for (const fs::path& path : unfinished) fs::remove_all(path, ignored);
}

void require_same_identity(const RunIdentity& saved, const RunIdentity& current,
                           const std::string& run) {
  for (const auto& [key, digest] : current) {
    const auto found = saved.find(key);
    const std::string before = found == saved.end() ? "nothing" : found->second;
    if (before == digest) continue;
    fail(ErrorKind::kConfig, {run, key}, digest + " now", before + " as when the run began",
         "resume with the same inputs, or start a new run");
  }
}

}  // namespace telora
