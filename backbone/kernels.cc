#include "backbone/kernels.h"

#include <cmath>
#include <cstring>

#include "backbone/kernel_math.h"

namespace telora::kernels {

namespace {

TELORA_INLINE float sigmoid(float x) { return 1.0f / (1.0f + exp_approx(-x)); }

template <typename T>
TELORA_INLINE void rms_norm_rows(const T* x, const T* weight, T* y, float* inv_rms, int64_t rows,
                                 int64_t width, float eps) {
  for (int64_t row = 0; row < rows; ++row, x += width, y += width) {
    const float squares = sum_over(width, [&](int64_t i) { return load(x[i]) * load(x[i]); });
    const float scale = 1.0f / std::sqrt(squares / static_cast<float>(width) + eps);
    inv_rms[row] = scale;
    for (int64_t i = 0; i < width; ++i)
      store(load(weight[i]) * rounded<T>(load(x[i]) * scale), y[i]);
  }
}

template <typename T>
TELORA_INLINE void rms_norm_backward_rows(const T* dy, const T* x, const T* weight,
                                          const float* inv_rms, const T* add, T* dx, int64_t rows,
                                          int64_t width) {
  for (int64_t row = 0; row < rows; ++row, dy += width, x += width, dx += width) {
    const float r = inv_rms[row];
    const float dot =
        sum_over(width, [&](int64_t i) { return load(dy[i]) * load(weight[i]) * load(x[i]); });
    const float shift = dot * r * r * r / static_cast<float>(width);
    const auto gradient = [&](int64_t i) {
      return load(dy[i]) * load(weight[i]) * r - load(x[i]) * shift;
    };
    if (!add) {
      for (int64_t i = 0; i < width; ++i) store(gradient(i), dx[i]);
      continue;
    }
    for (int64_t i = 0; i < width; ++i) store(load(add[i]) + gradient(i), dx[i]);
    add += width;
  }
}

// What a gate does to its input, and the slope of that.
struct Silu {
  static TELORA_INLINE float value(float x) { return x * sigmoid(x); }
  static TELORA_INLINE float slope(float x) {
    const float s = sigmoid(x);
    return s * (1.0f + x * (1.0f - s));
  }
};

// GELU by tanh (Hendrycks & Gimpel 2016): x s(2u) with u = sqrt(2 / pi) (x + 0.044715 x^3).
struct Gelu {
  static constexpr float kTwice = 1.5957691216f, kCube = 0.044715f;
  static TELORA_INLINE float gate(float x) { return sigmoid(kTwice * (x + kCube * x * x * x)); }
  static TELORA_INLINE float value(float x) { return x * gate(x); }
  static TELORA_INLINE float slope(float x) {
    const float s = gate(x);
    return s + x * s * (1.0f - s) * kTwice * (1.0f + 3.0f * kCube * x * x);
  }
};

template <typename Gate, typename T>
TELORA_INLINE void gate_all(const T* gate, const T* up, T* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) store(rounded<T>(Gate::value(load(gate[i]))) * load(up[i]), y[i]);
}

// A few elements at a time: the compiler would not check for itself that no two of six arrays
// overlap, but it knows that of arrays on the stack.
template <typename Gate, typename T>
TELORA_INLINE void gate_backward_all(const GateGradients<T>& g, int64_t n) {
  constexpr int64_t kSome = 64;
  T y[kSome], dgate[kSome], dup[kSome];
  for (int64_t begin = 0; begin < n; begin += kSome) {
    const int64_t count = n - begin < kSome ? n - begin : kSome;
    const T *gates = g.gate + begin, *ups = g.up + begin, *dys = g.dy + begin;
    for (int64_t i = 0; i < count; ++i) {
      const float gate = load(gates[i]), up = load(ups[i]), dy = load(dys[i]);
      const float value = Gate::value(gate);
      store(rounded<T>(value) * up, y[i]);
      store(dy * up * Gate::slope(gate), dgate[i]);
      store(dy * value, dup[i]);
    }
    std::memcpy(g.y + begin, y, static_cast<size_t>(count) * sizeof(T));
    std::memcpy(g.dgate + begin, dgate, static_cast<size_t>(count) * sizeof(T));
    std::memcpy(g.dup + begin, dup, static_cast<size_t>(count) * sizeof(T));
  }
}

template <typename T>
TELORA_INLINE void rope_all(const T* x, const float* cosine, const float* sine, float sign, T* y,
                            int64_t rows, int64_t heads, int64_t dim) {
  const int64_t half = dim / 2;
  for (int64_t row = 0; row < rows; ++row, cosine += half, sine += half) {
    for (int64_t head = 0; head < heads; ++head, x += dim, y += dim) {
      for (int64_t j = 0; j < half; ++j) {
        const float a = load(x[j]), b = load(x[j + half]), s = sign * sine[j];
        store(a * cosine[j] - b * s, y[j]);
        store(b * cosine[j] + a * s, y[j + half]);
      }
    }
  }
}

// Sixteen Philox counters side by side, so that every round is a handful of vector instructions.
constexpr int kCounters = 16;
struct PhiloxLanes {
  uint32_t word[4][kCounters];
};

TELORA_INLINE void philox_round(PhiloxLanes& c, uint32_t key0, uint32_t key1) {
#pragma GCC unroll 1
  for (int j = 0; j < kCounters; ++j) {
    const uint64_t first = uint64_t{0xD2511F53} * c.word[0][j],
                   second = uint64_t{0xCD9E8D57} * c.word[2][j];
    c.word[0][j] = static_cast<uint32_t>(second >> 32) ^ c.word[1][j] ^ key0;
    c.word[2][j] = static_cast<uint32_t>(first >> 32) ^ c.word[3][j] ^ key1;
    c.word[1][j] = static_cast<uint32_t>(second);
    c.word[3][j] = static_cast<uint32_t>(first);
  }
}

TELORA_INLINE void draw(uint64_t block, uint64_t key, uint16_t (&draws)[kDropoutBlock]) {
  PhiloxLanes c{};
#pragma GCC unroll 1
  for (int j = 0; j < kCounters; ++j) {
    const uint64_t counter = block * kCounters + static_cast<uint64_t>(j);
    c.word[0][j] = static_cast<uint32_t>(counter);
    c.word[1][j] = static_cast<uint32_t>(counter >> 32);
  }
  uint32_t key0 = static_cast<uint32_t>(key), key1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9, key1 += 0xBB67AE85)
    philox_round(c, key0, key1);
  for (int w = 0; w < 4; ++w) {
#pragma GCC unroll 1
    for (int j = 0; j < kCounters; ++j) {
      draws[2 * w * kCounters + j] = static_cast<uint16_t>(c.word[w][j]);
      draws[(2 * w + 1) * kCounters + j] = static_cast<uint16_t>(c.word[w][j] >> 16);
    }
  }
}

template <typename T>
TELORA_INLINE void dropout_all(const T* x, T* y, int64_t n, uint64_t first_block, uint64_t key,
                               uint32_t threshold) {
  const float scale = 65536.0f / static_cast<float>(65536u - threshold);
  uint16_t draws[kDropoutBlock];
  for (int64_t begin = 0; begin < n; begin += kDropoutBlock, ++first_block) {
    draw(first_block, key, draws);
    const int64_t count = n - begin < kDropoutBlock ? n - begin : kDropoutBlock;
    for (int64_t i = 0; i < count; ++i) {
      const float value = load(x[begin + i]) * scale;
      store(draws[i] < threshold ? 0.0f : value, y[begin + i]);
    }
  }
}

}  // namespace

TELORA_CLONES void rms_norm(const float* x, const float* w, float* y, float* inv_rms, int64_t rows,
                            int64_t width, float eps) {
  rms_norm_rows(x, w, y, inv_rms, rows, width, eps);
}
TELORA_CLONES void rms_norm(const Bf16* x, const Bf16* w, Bf16* y, float* inv_rms, int64_t rows,
                            int64_t width, float eps) {
  rms_norm_rows(x, w, y, inv_rms, rows, width, eps);
}

TELORA_CLONES void rms_norm_backward(const float* dy, const float* x, const float* w,
                                     const float* inv_rms, const float* add, float* dx,
                                     int64_t rows, int64_t width) {
  rms_norm_backward_rows(dy, x, w, inv_rms, add, dx, rows, width);
}
TELORA_CLONES void rms_norm_backward(const Bf16* dy, const Bf16* x, const Bf16* w,
                                     const float* inv_rms, const Bf16* add, Bf16* dx, int64_t rows,
                                     int64_t width) {
  rms_norm_backward_rows(dy, x, w, inv_rms, add, dx, rows, width);
}

TELORA_CLONES void swiglu(const float* gate, const float* up, float* y, int64_t n) {
  gate_all<Silu>(gate, up, y, n);
}
TELORA_CLONES void swiglu(const Bf16* gate, const Bf16* up, Bf16* y, int64_t n) {
  gate_all<Silu>(gate, up, y, n);
}
TELORA_CLONES void geglu(const float* gate, const float* up, float* y, int64_t n) {
  gate_all<Gelu>(gate, up, y, n);
}
TELORA_CLONES void geglu(const Bf16* gate, const Bf16* up, Bf16* y, int64_t n) {
  gate_all<Gelu>(gate, up, y, n);
}

TELORA_CLONES void swiglu_backward(const GateGradients<float>& g, int64_t n) {
  gate_backward_all<Silu>(g, n);
}
TELORA_CLONES void swiglu_backward(const GateGradients<Bf16>& g, int64_t n) {
  gate_backward_all<Silu>(g, n);
}
TELORA_CLONES void geglu_backward(const GateGradients<float>& g, int64_t n) {
  gate_backward_all<Gelu>(g, n);
}
TELORA_CLONES void geglu_backward(const GateGradients<Bf16>& g, int64_t n) {
  gate_backward_all<Gelu>(g, n);
}

TELORA_CLONES void rope(const float* x, const float* cosine, const float* sine, float sine_sign,
                        float* y, int64_t rows, int64_t heads, int64_t dim) {
  rope_all(x, cosine, sine, sine_sign, y, rows, heads, dim);
}
TELORA_CLONES void rope(const Bf16* x, const float* cosine, const float* sine, float sine_sign,
                        Bf16* y, int64_t rows, int64_t heads, int64_t dim) {
  rope_all(x, cosine, sine, sine_sign, y, rows, heads, dim);
}

TELORA_CLONES void dropout(const float* x, float* y, int64_t n, uint64_t first_block, uint64_t key,
                           uint32_t threshold) {
  dropout_all(x, y, n, first_block, key, threshold);
}
TELORA_CLONES void dropout(const Bf16* x, Bf16* y, int64_t n, uint64_t first_block, uint64_t key,
                           uint32_t threshold) {
  dropout_all(x, y, n, first_block, key, threshold);
}

TELORA_CLONES void adamw(const AdamWStep& s, const float* gradient, float* parameter,
                         float* first_moment, float* second_moment, int64_t n) {
  const float decay = 1.0f - s.learning_rate * s.weight_decay;
  const float step_size = s.learning_rate / s.correction1;
  const float inv_sqrt_correction2 = 1.0f / std::sqrt(s.correction2);
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] * s.gradient_scale;
    const float m = s.beta1 * first_moment[i] + (1.0f - s.beta1) * g;
    const float v = s.beta2 * second_moment[i] + (1.0f - s.beta2) * g * g;
    first_moment[i] = m;
    second_moment[i] = v;
    parameter[i] =
        parameter[i] * decay - step_size * m / (std::sqrt(v) * inv_sqrt_correction2 + s.epsilon);
  }
}

}  // namespace telora::kernels
