#include "tests/export/tiny_adapter.h"

#include <optional>

#include "adapters/lora_adapter.h"
#include "backbone/checkpoint.h"
#include "backbone/torch.h"
#include "tests/golden/tiny_models.h"

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

AdapterFile tiny_dora(const DecoderSpec& spec) {
  AdapterFile adapter = tiny_adapter(spec, {.rank = 2, .alpha = 4, .target_regex = "all-linear"});
  adapter.config.use_dora = true;
  for (LoraTensors& module : adapter.modules) {
    module.magnitude = at::rand({module.b.size(0)}) + 0.5;
  }
  return adapter;
}

at::Tensor tiny_logits(const std::filesystem::path& model, const AdapterFile* adapter) {
  const Checkpoint checkpoint = Checkpoint::open(model);
  Decoder decoder(checkpoint.spec(), checkpoint.load_all(at::kFloat), at::kFloat);
  std::optional<LoraAdapter> attached;
  if (adapter) {
    attached.emplace(LoraAdapter::from_file(*adapter));
    attached->attach(decoder);
  }
  const std::vector<int64_t> tokens = golden::tiny_tokens();
  const std::vector<int32_t> ids(tokens.begin(), tokens.end());
  const at::NoGradGuard no_gradient;
  return decoder.logits(decoder.hidden(pack_rows({&ids, 1}), {}));
}

double relative_error(const at::Tensor& got, const at::Tensor& wanted) {
  return ((got - wanted).abs().max() / wanted.abs().max()).item<double>();
}

std::vector<DecoderSpec> tiny_families() {
  return {golden::tiny_llama(),   golden::tiny_llama_llama3_scaling(),
          golden::tiny_qwen2(),   golden::tiny_qwen3(),
          golden::tiny_exaone4(), golden::tiny_granite(),
          golden::tiny_olmo2(),   golden::tiny_gemma3()};
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
