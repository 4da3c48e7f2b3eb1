#pragma once

#include <ATen/core/Tensor.h>

#include "backbone/linear.h"

namespace telora {

// One block of a decoder. Norm weights are undefined where the family has no such norm.
struct DecoderLayer {
  at::Tensor before_attention, after_attention, before_mlp, after_mlp;  // [D]
  at::Tensor query_norm, key_norm;    // [d] per head, or [H*d] and [K*d]
  bool local = false;                 // sees only a sliding window
  Linear q, k, v, o, gate, up, down;  // with a fused MLP `gate` is both halves and `up` unused
};

}  // namespace telora
