#pragma once

// Private to the autograd nodes of this folder.
#include "backbone/dropout.h"
#include "backbone/torch.h"

namespace telora {

// Hands what makes a mask from the forward pass to the backward pass, which makes it again.
inline void keep_dropout(torch::autograd::AutogradContext* context, const LoraDropout& dropout) {
  context->saved_data["p"] = dropout.p;
  context->saved_data["key"] = static_cast<int64_t>(dropout.key);
  context->saved_data["position"] = static_cast<int64_t>(dropout.position);
}

inline LoraDropout kept_dropout(torch::autograd::AutogradContext* context) {
  return {context->saved_data["p"].toDouble(),
          static_cast<uint64_t>(context->saved_data["key"].toInt()),
          static_cast<uint64_t>(context->saved_data["position"].toInt())};
}

}  // namespace telora
