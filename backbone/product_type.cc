#include "backbone/product_type.h"

#include <atomic>

#include "backbone/product_kernel.h"
#include "backbone/product_override.h"

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

constexpr int kNoOverride = -1;
std::atomic<int> overridden = kNoOverride;

}  // namespace

void override_product_kind(std::optional<ProductKind> kind) {
  overridden = kind ? static_cast<int>(*kind) : kNoOverride;
}

ProductKind product_kind(at::ScalarType activations, at::Device device) {
  if (!device.is_cpu()) return ProductKind::kLibrary;
  if (const int kind = overridden; kind != kNoOverride) {
    const bool pairs_of_float =
        kind == static_cast<int>(ProductKind::kPairs) && activations != at::kBFloat16;
    return pairs_of_float ? ProductKind::kFloat : static_cast<ProductKind>(kind);
  }
  static const bool library = has_matrix_units(), pairs = multiplies_pairs_fast();
  if (library) return ProductKind::kLibrary;
  return activations == at::kBFloat16 && pairs ? ProductKind::kPairs : ProductKind::kFloat;
}

at::ScalarType product_type(at::ScalarType activations, at::Device device) {
  return product_kind(activations, device) == ProductKind::kFloat ? at::kFloat : activations;
}

}  // namespace telora
