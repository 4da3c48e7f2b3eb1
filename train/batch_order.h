#pragma once

#include <cstdint>
#include <vector>

namespace telora {

// Which rows each optimiser step trains on: a fresh permutation an epoch, a pure function of seed
// and epoch, so that a resumed run finds its place from the step number alone.
class BatchOrder {
 public:
  BatchOrder(size_t rows, size_t batch_size, uint64_t seed);

  int64_t steps_per_epoch() const;
  // Row numbers of step `step` (0-based over the whole run); the last batch of an epoch may be
  // smaller.
  std::vector<size_t> batch(int64_t step);

 private:
  void shuffle(int64_t epoch);

  size_t rows_, batch_size_;
  uint64_t seed_;
  int64_t epoch_ = -1;  // of order_
  std::vector<size_t> order_;
};

}  // namespace telora
