#include "train/option_order.h"

#include <fmt/format.h>

#include <numeric>
#include <utility>
#include <vector>

#include "core/random.h"

namespace telora {

size_t option_order(uint64_t seed, size_t row, int64_t epoch, size_t orders) {
  if (orders < 2) return 0;
  const auto cycle = epoch / static_cast<int64_t>(orders);
  const auto place = static_cast<size_t>(epoch % static_cast<int64_t>(orders));
  RandomStream random(stream_key(seed, fmt::format("options:{}:{}", row, cycle).c_str()));
  std::vector<size_t> drawn(orders);
  std::iota(drawn.begin(), drawn.end(), size_t{0});
  for (size_t i = orders; i > 1; --i) std::swap(drawn[i - 1], drawn[random.below(i)]);
  return drawn[place];
}

}  // namespace telora
