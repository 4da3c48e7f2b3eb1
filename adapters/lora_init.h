#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace telora {

// How a pair begins, in PEFT's words. The first two leave B zero; A is uniform in ±1/sqrt(in)
// ("true") or normal with deviation 1/r ("gaussian"). The others take the pair out of the weight:
// its r largest singular triples (PiSSA, Meng et al. 2024) or the first r columns of its QR
// decomposition (OLoRA, Büyükakyüz 2024).
enum class LoraInit { kKaiming, kGaussian, kPissa, kOlora };

struct LoraStart {
  LoraInit init = LoraInit::kKaiming;
  int64_t pissa_iterations = 0;  // of a randomised decomposition; 0 = exact
  uint64_t seed = 0;
  bool takes_parts_of_weights() const {
    return init == LoraInit::kPissa || init == LoraInit::kOlora;
  }
};

// Fills a [r, in] float32, contiguous, for one of the first two; each `key` is a stream of its own.
void fill_lora_a(at::Tensor& a, LoraInit init, uint64_t key);

struct LoraFactors {
  at::Tensor a;  // [r, in] float32
  at::Tensor b;  // [out, r]
};

// The pair that starts on `weight` [out, in]. PiSSA: scale * b * a is the sum of the r largest
// singular triples, each side of it the root of the value; with `pissa_iterations` power iterations
// of a random start (Halko et al. 2011) in place of the exact decomposition. OLoRA: b * a is the
// product of the first r columns of Q and rows of R, whatever the scale. r <= min(out, in).
LoraFactors lora_factors(const at::Tensor& weight, int64_t rank, double scale,
                         const LoraStart& start, uint64_t key);

}  // namespace telora
