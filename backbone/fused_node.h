#pragma once

#include "backbone/fused_block.h"

namespace telora {

// A fused block as one autograd node: output and the tokens' keys and values are differentiable
// with respect to x, the prefix' keys and values and every A and B. Without anything that wants a
// gradient nothing is kept.
FusedBlock::Output run_fused_block(FusedBlock block, const BlockRows& rows, const at::Tensor& x);

}  // namespace telora
