#include "adapters/adapter_size.h"

#include "adapters/tensor_name.h"

namespace telora {

int64_t lora_parameter_count(const std::vector<ModuleShape>& modules, int64_t rank) {
  int64_t count = 0;
  for (const ModuleShape& module : modules) count += rank * (module.in + module.out);
  return count;
}

uint64_t adapter_file_bytes(const std::vector<ModuleShape>& modules, int64_t rank, Dtype dtype) {
  std::vector<TensorShape> tensors;
  for (const ModuleShape& module : modules) {
    tensors.push_back({lora_tensor_name(module.name, LoraSide::kA), dtype, {rank, module.in}});
    tensors.push_back({lora_tensor_name(module.name, LoraSide::kB), dtype, {module.out, rank}});
  }
  return safetensors_bytes(tensors, {{"format", "pt"}});
}

}  // namespace telora
