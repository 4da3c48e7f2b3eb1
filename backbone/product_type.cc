#include "backbone/product_type.h"

#include "backbone/product_kernel.h"

namespace telora {

namespace {

bool has_matrix_units() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("amx-bf16");
#else
  return true;  // not measured: what LibTorch has is the safe choice
#endif
}

bool multiplies_pairs_fast() {
#if defined(__x86_64__)
  return __builtin_cpu_is("amd") && kernels::has_bf16_dot();
#else
  return false;
#endif
}

}  // namespace

ProductKind product_kind(at::ScalarType activations, at::Device device) {
  if (!device.is_cpu()) return ProductKind::kLibrary;
  static const bool library = has_matrix_units(), pairs = multiplies_pairs_fast();
  if (library) return ProductKind::kLibrary;
  return activations == at::kBFloat16 && pairs ? ProductKind::kPairs : ProductKind::kFloat;
}

at::ScalarType product_type(at::ScalarType activations, at::Device device) {
  return product_kind(activations, device) == ProductKind::kFloat ? at::kFloat : activations;
}

}  // namespace telora
