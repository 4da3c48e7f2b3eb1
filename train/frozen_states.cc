#include "train/frozen_states.h"

#include <utility>

namespace telora {

void FrozenStates::begin(Key key) {
  next_ = 0;
  if (complete_ && key == key_) return;
  key_ = std::move(key);
  complete_ = false;
  states_.clear();
  states_.reserve(key_.batch.size() + 1);  // a prefix and at most a pass a row: places never move
}

at::Tensor* FrozenStates::next() {
  if (next_ == states_.size()) states_.emplace_back();
  taken_ += states_[next_].defined();
  return &states_[next_++];
}

}  // namespace telora
