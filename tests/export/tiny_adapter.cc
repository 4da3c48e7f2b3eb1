#include "tests/export/tiny_adapter.h"

#include "backbone/torch.h"

namespace telora {

AdapterFile tiny_adapter(const DecoderSpec& spec, const LoraConfig& config) {
  at::manual_seed(42);
  AdapterFile adapter{.config = config, .modules = {}, .metadata = {}};
  for (const ModuleShape& module : linear_modules(spec)) {
    if (!is_target(config, module.name)) continue;
    const int64_t rank = lora_rank(config, module.name);
    adapter.modules.push_back(
        {module.name, at::randn({rank, module.in}) * 0.2, at::randn({module.out, rank}) * 0.2});
  }
  return adapter;
}

std::vector<LoraConfig> tiny_configs() {
  return {{.rank = 2, .alpha = 4, .target_regex = "all-linear"},
          {.rank = 3, .alpha = 5, .use_rslora = true, .target_regex = "all-linear"},
          {.rank = 4,
           .alpha = 8,
           .target_regex = "all-linear",
           .rank_pattern = {{"layers.0.self_attn.q_proj", 2}, {"down_proj", 3}},
           .alpha_pattern = {{"v_proj", 3}, {"down_proj", 7}}},
          {.rank = 4,
           .alpha = 6,
           .use_rslora = true,
           .target_modules = {"q_proj", "k_proj", "v_proj", "o_proj"},
           .rank_pattern = {{"k_proj", 3}}}};
}

}  // namespace telora
