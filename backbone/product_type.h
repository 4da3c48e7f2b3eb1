#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

namespace telora {

// How `device` multiplies activations of one type with frozen matrices fastest.
enum class ProductKind {
  kPairs,    // own kernels over pairs of bfloat16 (AMD cores with AVX-512 bfloat16)
  kFloat,    // own kernels in float32, bfloat16 rows widened on the way
  kLibrary,  // LibTorch's products (a GPU, processors with matrix units, other architectures)
};
ProductKind product_kind(at::ScalarType activations, at::Device device = c10::kCPU);

// The type in which `device` multiplies matrices of bfloat16 activations fastest: bfloat16 on a
// GPU; on the CPU bfloat16 with AMX, on AMD cores with AVX-512 bfloat16, and off x86; float32
// elsewhere. Intel cores without AMX run the bfloat16 dot product at about two thirds of their
// float32 rate. Either way weights hold bfloat16 values and sums are float32.
at::ScalarType product_type(at::ScalarType activations, at::Device device = c10::kCPU);

}  // namespace telora
