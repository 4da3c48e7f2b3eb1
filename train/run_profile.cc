#include "train/run_profile.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "backbone/torch.h"
#include "core/files.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

double share_of(double flops, const RunProfile& profile) {
  const double possible = profile.step_seconds * profile.gemm.flops;
  return possible > 0 ? flops / possible : 0;
}

std::string bytes_text(int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  return value < 1e9 ? fmt::format("{:.0f} MB", value / 1e6)
                     : fmt::format("{:.2f} GB", value / 1e9);
}

std::string part_line(const std::string& name, int depth, double seconds, double whole) {
  return fmt::format("  {:<28}{:>9.2f} s{:>7.1f} %\n",
                     std::string(2 * static_cast<size_t>(depth), ' ') + name, seconds,
                     whole > 0 ? 100 * seconds / whole : 0);
}

double outer_seconds(const std::vector<Profile::Part>& parts) {
  double seconds = 0;
  for (const Profile::Part& part : parts) seconds += part.depth == 0 ? part.seconds : 0;
  return seconds;
}

std::string training_lines(const RunProfile& p) {
  if (p.step_seconds <= 0) return "training: no step was made\n";
  std::string text = fmt::format(
      "training: {} tokens in {:.2f} s; {:.2f} TFLOP, {:.0f} GFLOP/s: {:.2f} of the {:.0f} that {} "
      "products reach here\n",
      p.tokens, p.step_seconds, p.flops / 1e12, p.flops / p.step_seconds / 1e9, p.share(),
      p.gemm.flops / 1e9, p.gemm.type);
  if (p.flops_shared != p.flops) {
    text += fmt::format("          {:.2f} with what rows share counted once\n", p.shared_share());
  }
  return text;
}

Json part_json(const Profile::Part& part) {
  return {
      {"name", part.name}, {"depth", part.depth}, {"calls", part.calls}, {"seconds", part.seconds}};
}

}  // namespace

int64_t MemoryUse::activations() const {
  return std::max<int64_t>(0, peak - program - weights - adapters - optimizers);
}

double RunProfile::share() const { return share_of(flops, *this); }
double RunProfile::shared_share() const { return share_of(flops_shared, *this); }

double seconds_of(const std::vector<Profile::Part>& parts, const std::string& name) {
  double seconds = 0;
  for (const Profile::Part& part : parts) seconds += part.name == name ? part.seconds : 0;
  return seconds;
}

int64_t resident_bytes() {
  int64_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

std::string render_profile(const RunProfile& p) {
  std::string text;
  for (const Profile::Part& part : p.parts) {
    text += part_line(part.name, part.depth, part.seconds, p.seconds);
  }
  text += part_line("other", 0, std::max(0.0, p.seconds - outer_seconds(p.parts)), p.seconds);
  text += part_line("all", 0, p.seconds, p.seconds);
  text += training_lines(p);
  const MemoryUse& m = p.memory;
  return text + fmt::format(
                    "memory:   {} at most: weights {}, activations and buffers {}, optimizer {}, "
                    "adapter {}, program {}\n",
                    bytes_text(m.peak), bytes_text(m.weights), bytes_text(m.activations()),
                    bytes_text(m.optimizers), bytes_text(m.adapters), bytes_text(m.program));
}

void write_profile(const std::filesystem::path& path, const RunProfile& p) {
  Json parts = Json::array();
  for (const Profile::Part& part : p.parts) parts.push_back(part_json(part));
  const MemoryUse& m = p.memory;
  const Json document{{"seconds", p.seconds},
                      {"parts", parts},
                      {"training",
                       {{"tokens", p.tokens},
                        {"seconds", p.step_seconds},
                        {"flops", p.flops},
                        {"flops_shared_prefix", p.flops_shared}}},
                      {"gemm", {{"flops_per_second", p.gemm.flops}, {"type", p.gemm.type}}},
                      {"gemm_share", p.share()},
                      {"gemm_share_shared_prefix", p.shared_share()},
                      {"bytes",
                       {{"peak", m.peak},
                        {"weights", m.weights},
                        {"activations", m.activations()},
                        {"optimizer", m.optimizers},
                        {"adapter", m.adapters},
                        {"program", m.program}}}};
  publish(path, document.dump(1) + "\n");
}

}  // namespace telora
