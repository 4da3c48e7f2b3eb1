#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace telora {

// How near two models are on the same tokens.
struct LogitsAgreement {
  int64_t tokens = 0;
  double largest = 0;     // greatest absolute difference
  double relative = 0;    // … over the greatest magnitude of the wanted logits
  double mean = 0;        // mean absolute difference
  double divergence = 0;  // mean over tokens of KL(wanted ‖ found), nats
  double argmax = 0;      // share of tokens whose likeliest next token is the same
};

// Both [n, V] float32. Throws Error(internal) for other shapes, Error(data) where one is not
// finite.
LogitsAgreement compare_logits(const at::Tensor& found, const at::Tensor& wanted);

// The agreement over the tokens of both.
LogitsAgreement joined(const LogitsAgreement& a, const LogitsAgreement& b);

}  // namespace telora
