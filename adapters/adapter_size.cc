#include "adapters/adapter_size.h"

#include "adapters/tensor_name.h"

namespace telora {

int64_t lora_parameter_count(const std::vector<ModuleShape>& modules, int64_t rank, bool dora) {
  int64_t count = 0;
  for (const ModuleShape& module : modules)
    count += rank * (module.in + module.out) + (dora ? module.out : 0);
  return count;
}

uint64_t adapter_file_bytes(const std::vector<ModuleShape>& modules, int64_t rank, Dtype dtype,
                            bool dora) {
  std::vector<TensorShape> tensors;
  for (const ModuleShape& module : modules) {
    tensors.push_back({lora_tensor_name(module.name, LoraSide::kA), dtype, {rank, module.in}});
    tensors.push_back({lora_tensor_name(module.name, LoraSide::kB), dtype, {module.out, rank}});
    if (dora)
      tensors.push_back({lora_tensor_name(module.name, LoraSide::kMagnitude), dtype, {module.out}});
  }
  return safetensors_bytes(tensors, {{"format", "pt"}});
}

}  // namespace telora
