#pragma once

#include <optional>

#include "backbone/product_type.h"

namespace telora {

// What product_kind() says on the CPU from now on, so that one machine's tests cover the ways of all
// machines; nothing: what suits this one. kPairs only where kernels::has_bf16_dot().
void override_product_kind(std::optional<ProductKind> kind);

}  // namespace telora
