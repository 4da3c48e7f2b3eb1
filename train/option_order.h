#pragma once

#include <cstddef>
#include <cstdint>

namespace telora {

// Which of `orders` orders of its options a training row is shown in during an epoch: all of them
// in a drawn order, then all of them in another. A pure function of its arguments, so that a
// resumed run needs no state for it.
size_t option_order(uint64_t seed, size_t row, int64_t epoch, size_t orders);

}  // namespace telora
