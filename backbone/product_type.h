#pragma once

#include <c10/core/ScalarType.h>

namespace telora {

// The type in which this CPU multiplies matrices of bfloat16 activations fastest: bfloat16 with
// AMX, on AMD cores with AVX-512 bfloat16, and off x86; float32 elsewhere. Intel cores without AMX
// run the bfloat16 dot product at about two thirds of their float32 rate. Either way weights hold
// bfloat16 values and sums are float32.
at::ScalarType product_type(at::ScalarType activations);

}  // namespace telora
