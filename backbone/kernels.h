#pragma once

#include <cstdint>

// Elementwise work between two matrix products, one pass over memory each: plain loops that the
// compiler vectorises, compiled for several instruction sets and chosen at load time. Each call
// handles the rows it is given, so callers split rows over threads. `Bf16` holds the upper half of
// a binary32; sums are binary32.
namespace telora::kernels {

struct Bf16 {
  uint16_t bits;
};

// y = w * x / sqrt(mean(x^2) + eps), the normalised value rounded to T before the product, as the
// reference classes do. x, y [rows, width]; weight [width]; inv_rms [rows] out.
void rms_norm(const float* x, const float* weight, float* y, float* inv_rms, int64_t rows,
              int64_t width, float eps);
void rms_norm(const Bf16* x, const Bf16* weight, Bf16* y, float* inv_rms, int64_t rows,
              int64_t width, float eps);

// dx from dy, with frozen weight, plus `add` [rows, width] if there is one: the gradient that goes
// past the norm.
void rms_norm_backward(const float* dy, const float* x, const float* weight, const float* inv_rms,
                       const float* add, float* dx, int64_t rows, int64_t width);
void rms_norm_backward(const Bf16* dy, const Bf16* x, const Bf16* weight, const float* inv_rms,
                       const Bf16* add, Bf16* dx, int64_t rows, int64_t width);

// y = silu(gate) * up over n elements, silu rounded to T first; and with the tanh form of GELU in
// its place.
void swiglu(const float* gate, const float* up, float* y, int64_t n);
void swiglu(const Bf16* gate, const Bf16* up, Bf16* y, int64_t n);
void geglu(const float* gate, const float* up, float* y, int64_t n);
void geglu(const Bf16* gate, const Bf16* up, Bf16* y, int64_t n);

// Their gradients; y is made again on the way. No two of the arrays overlap.
template <typename T>
struct GateGradients {
  const T *dy, *gate, *up;
  T *dgate, *dup, *y;
};
void swiglu_backward(const GateGradients<float>& g, int64_t n);
void swiglu_backward(const GateGradients<Bf16>& g, int64_t n);
void geglu_backward(const GateGradients<float>& g, int64_t n);
void geglu_backward(const GateGradients<Bf16>& g, int64_t n);

// Rotate-half RoPE of [rows, heads, dim] by table rows cosine/sine [rows, dim / 2]; sine_sign -1
// undoes it.
void rope(const float* x, const float* cosine, const float* sine, float sine_sign, float* y,
          int64_t rows, int64_t heads, int64_t dim);
void rope(const Bf16* x, const float* cosine, const float* sine, float sine_sign, Bf16* y,
          int64_t rows, int64_t heads, int64_t dim);

// y = keep ? x / (1 - p) : 0 with p = threshold / 65536. The mask comes from Philox4x32-10 in
// blocks of kDropoutBlock elements (16 counters, 16 bits an element), so that the backward pass,
// any split over threads and a resumed run make the same mask again. x[0] is the first element of
// block `first_block`.
constexpr int64_t kDropoutBlock = 128;
void dropout(const float* x, float* y, int64_t n, uint64_t first_block, uint64_t key,
             uint32_t threshold);
void dropout(const Bf16* x, Bf16* y, int64_t n, uint64_t first_block, uint64_t key,
             uint32_t threshold);

// One AdamW step (Loshchilov & Hutter 2019) over n elements; `correction1/2` are 1 - beta^t.
struct AdamWStep {
  float learning_rate, beta1, beta2, epsilon, weight_decay, correction1, correction2,
      gradient_scale;
};
void adamw(const AdamWStep& step, const float* gradient, float* parameter, float* first_moment,
           float* second_moment, int64_t n);

}  // namespace telora::kernels
