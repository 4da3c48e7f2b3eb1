#include "train/batch_order.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "core/random.h"

namespace telora {

BatchOrder::BatchOrder(size_t rows, size_t batch_size, uint64_t seed)
    : rows_(rows), batch_size_(batch_size), seed_(seed), order_(rows) {}

int64_t BatchOrder::steps_per_epoch() const {
  return static_cast<int64_t>((rows_ + batch_size_ - 1) / batch_size_);
}

// Fisher-Yates from the end.
void BatchOrder::shuffle(int64_t epoch) {
  std::iota(order_.begin(), order_.end(), size_t{0});
  RandomStream stream(stream_key(seed_, ("order:" + std::to_string(epoch)).c_str()));
  for (size_t i = rows_; i > 1; --i) std::swap(order_[i - 1], order_[stream.below(i)]);
  epoch_ = epoch;
}

std::vector<size_t> BatchOrder::batch(int64_t step) {
  const int64_t epoch = step / steps_per_epoch();
  if (epoch != epoch_) shuffle(epoch);
  const size_t begin = static_cast<size_t>(step % steps_per_epoch()) * batch_size_;
  const size_t end = std::min(rows_, begin + batch_size_);
  return {order_.begin() + static_cast<long>(begin), order_.begin() + static_cast<long>(end)};
}

}  // namespace telora
