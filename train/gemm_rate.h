#pragma once

#include <c10/core/ScalarType.h>

#include <string>

namespace telora {

// What the machine's cores reach in matrix products.
struct GemmRate {
  double flops = 0;  // operations a second, a multiplication and an addition being two
  std::string type;  // "float32" or "bfloat16": the type of the factors
};

// The best of products of [2048, 1024] with [1024, 1024], a quarter of a second for each way
// there is of making them: by our own kernels and by LibTorch, in float32 by its BLAS and by
// oneDNN, for activations of kBFloat16 in bfloat16 too. Uses LibTorch's threads.
GemmRate measure_gemm_rate(at::ScalarType activations);

}  // namespace telora
