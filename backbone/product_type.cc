#include "backbone/product_type.h"

namespace telora {

namespace {

bool bf16_products_are_fast() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("amx-bf16")) return true;
  return __builtin_cpu_is("amd") && __builtin_cpu_supports("avx512bf16");
#else
  return true;
#endif
}

}  // namespace

at::ScalarType product_type(at::ScalarType activations) {
  if (activations != at::kBFloat16) return activations;
  static const bool fast = bf16_products_are_fast();
  return fast ? at::kBFloat16 : at::kFloat;
}

}  // namespace telora
