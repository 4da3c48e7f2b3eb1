#include "adapters/adapter_fit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

#include "adapters/tensor_name.h"

namespace telora {

namespace {

constexpr size_t kMaxListed = 12;
constexpr size_t kMaxNameBytes = 100;

// Everything wrong with an adapter, so that one error can list it.
class Problems {
 public:
  void add(std::string_view field, std::string found, std::string want) {
    if (++count_ > kMaxListed) return;
    listed_.push_back({printable(field, kMaxNameBytes), std::move(found), std::move(want)});
  }

  void report(const std::string& file, const std::string& advice) const {
    if (count_ == 0) return;
    const Problem& first = listed_.front();
    if (count_ == 1) fail(ErrorKind::kData, {file, first.field}, first.found, first.want, advice);
    fail(ErrorKind::kData, {file, "tensors"}, fmt::format("{} problems: {}", count_, list()),
         "an adapter that fits its config and the base model", advice);
  }

 private:
  struct Problem {
    std::string field;
    std::string found;
    std::string want;
  };

  std::string list() const {
    std::string text;
    for (const Problem& problem : listed_) {
      text +=
          fmt::format("{}[{}] {}: found {}, want {}", text.empty() ? "" : "; ",
                      &problem - listed_.data() + 1, problem.field, problem.found, problem.want);
    }
    if (count_ > kMaxListed) text += fmt::format("; and {} more", count_ - kMaxListed);
    return text;
  }

  size_t count_ = 0;
  std::vector<Problem> listed_;
};

struct Pair {
  const SafetensorsEntry* a = nullptr;
  const SafetensorsEntry* b = nullptr;
  const SafetensorsEntry* magnitude = nullptr;

  const SafetensorsEntry*& slot(LoraSide side) {
    return side == LoraSide::kA ? a : side == LoraSide::kB ? b : magnitude;
  }
};
using Pairs = std::unordered_map<std::string, Pair>;
using Base = std::unordered_map<std::string, const ModuleShape*>;

std::string shape_text(const std::vector<int64_t>& shape) {
  return printable(fmt::format("[{}]", fmt::join(shape, ", ")), kMaxNameBytes);
}

const char* unknown_module(std::string_view module) {
  if (module.ends_with("lm_head")) return "an adapter of the output head, which is not supported";
  if (module.ends_with("embed_tokens"))
    return "an adapter of the embedding, which is not supported";
  return "a module that the base model does not have";
}

// Sorts the file's tensors into pairs; whatever is no A, B or magnitude of a module of the base is
// a problem.
Pairs pair_up(const SafetensorsFile& file, const Base& base, Problems& problems) {
  Pairs pairs;
  for (const SafetensorsEntry& entry : file.entries()) {
    const auto name = parse_lora_tensor_name(entry.name);
    if (!name) {
      problems.add(entry.name, describe_foreign_tensor(entry.name),
                   "the A, B or magnitudes of a linear module");
      continue;
    }
    if (!base.contains(name->module)) {
      problems.add(entry.name, unknown_module(name->module), "one of its blocks' linear modules");
      continue;
    }
    const SafetensorsEntry*& slot = pairs[name->module].slot(name->side);
    if (slot)
      problems.add(entry.name, fmt::format("a second tensor beside {}", slot->name), "one of each");
    slot = &entry;
  }
  return pairs;
}

bool is_weight_type(const SafetensorsEntry& entry, Problems& problems) {
  const bool right =
      entry.dtype == Dtype::kF32 || entry.dtype == Dtype::kF16 || entry.dtype == Dtype::kBF16;
  if (!right)
    problems.add(entry.name, fmt::format("dtype {}", dtype_name(entry.dtype)), "F32, F16 or BF16");
  return right;
}

bool is_matrix(const SafetensorsEntry& entry, Problems& problems) {
  const bool right_type = is_weight_type(entry, problems);
  const bool right_shape = entry.shape.size() == 2 && entry.shape[0] > 0 && entry.shape[1] > 0;
  if (!right_shape)
    problems.add(entry.name, "shape " + shape_text(entry.shape), "two dimensions, none of them 0");
  return right_type && right_shape;
}

void check_rank(const ModuleShape& shape, const Pair& pair, const LoraConfig& config,
                Problems& problems) {
  const int64_t rank_a = pair.a->shape[0], rank_b = pair.b->shape[1];
  if (rank_a != rank_b) {
    problems.add(shape.name, fmt::format("rank {} in A and {} in B", rank_a, rank_b),
                 "the same rank");
    return;
  }
  const int64_t wanted = lora_rank(config, shape.name);
  if (rank_a != wanted) {
    problems.add(pair.a->name, fmt::format("rank {}", rank_a),
                 fmt::format("{}, as {} of {} says", wanted,
                             printable(rank_field(config, shape.name), kMaxNameBytes),
                             "adapter_config.json"));
  } else if (rank_a > std::min(shape.in, shape.out)) {
    problems.add(pair.a->name, fmt::format("rank {}", rank_a),
                 fmt::format("at most min(in, out) = {}", std::min(shape.in, shape.out)));
  }
}

const char* halves(const Pair& pair) {
  if (!pair.a && !pair.b) return "magnitudes without A and B";
  return pair.a ? "A without B" : "B without A";
}

void check_magnitude(const ModuleShape& shape, const SafetensorsEntry* magnitude,
                     const LoraConfig& config, Problems& problems) {
  if (!magnitude && config.use_dora)
    problems.add(shape.name, "no lora_magnitude_vector", "one, since use_dora is true");
  if (!magnitude) return;
  if (!config.use_dora)
    problems.add(magnitude->name, "the magnitudes of DoRA", "none, since use_dora is false");
  is_weight_type(*magnitude, problems);
  if (magnitude->shape != std::vector{shape.out}) {
    problems.add(magnitude->name, "shape " + shape_text(magnitude->shape),
                 fmt::format("[{}] for this base model", shape.out));
  }
}

void check_pair(const ModuleShape& shape, const Pair& pair, const LoraConfig& config,
                Problems& problems) {
  check_magnitude(shape, pair.magnitude, config, problems);
  if (!pair.a || !pair.b) {
    problems.add(shape.name, halves(pair), "both");
    return;
  }
  const bool a_is_matrix = is_matrix(*pair.a, problems), b_is_matrix = is_matrix(*pair.b, problems);
  if (!a_is_matrix || !b_is_matrix) return;
  if (pair.a->shape[1] != shape.in) {
    problems.add(pair.a->name, "shape " + shape_text(pair.a->shape),
                 fmt::format("[rank, {}] for this base model", shape.in));
  }
  if (pair.b->shape[0] != shape.out) {
    problems.add(pair.b->name, "shape " + shape_text(pair.b->shape),
                 fmt::format("[{}, rank] for this base model", shape.out));
  }
  check_rank(shape, pair, config, problems);
}

// Compares what the config selects with what the file holds.
std::vector<LoraPair> check_modules(const std::vector<ModuleShape>& base, const Pairs& pairs,
                                    const LoraConfig& config, Problems& problems) {
  std::vector<LoraPair> adapted;
  for (const ModuleShape& shape : base) {
    const bool targeted = is_target(config, shape.name);
    const auto found = pairs.find(shape.name);
    if (found == pairs.end() && targeted) {
      problems.add(shape.name, "no tensors", "A and B, since target_modules selects it");
    }
    if (found == pairs.end()) continue;
    if (!targeted) {
      problems.add(shape.name, "tensors", "none, since target_modules does not select it");
    }
    check_pair(shape, found->second, config, problems);
    adapted.push_back({&shape, found->second.a, found->second.b, found->second.magnitude});
  }
  if (adapted.empty())
    problems.add("target_modules", "no module of the base model", "at least one");
  return adapted;
}

Base index(const std::vector<ModuleShape>& base) {
  Base by_name;
  for (const ModuleShape& shape : base) by_name.emplace(shape.name, &shape);
  return by_name;
}

std::string base_hint(const LoraConfig& config) {
  if (config.base_model.empty()) return "is it an adapter of another base model?";
  return fmt::format("is it an adapter of another base model? Its config names '{}'",
                     printable(config.base_model));
}

}  // namespace

std::vector<LoraPair> fit_to_base(const SafetensorsFile& file, const std::vector<ModuleShape>& base,
                                  const LoraConfig& config) {
  Problems problems;
  const Pairs pairs = pair_up(file, index(base), problems);
  std::vector<LoraPair> adapted = check_modules(base, pairs, config, problems);
  problems.report(file.name(), base_hint(config));
  return adapted;
}

}  // namespace telora
