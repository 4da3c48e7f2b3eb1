#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "eval/encoded_example.h"

namespace telora {

// What the blocks below the first adapted one make of a batch, for runs of one process that train
// on the same batch in turn: ranks of a sweep whose adapters leave the first blocks alone
// (layers_to_transform). One batch is held at a time.
class FrozenStates {
 public:
  // What decides the states: the rows, how they are cut into passes, the blocks.
  struct Key {
    std::vector<const EncodedExample*> batch = {};
    int64_t tokens_per_pass = 0;
    int64_t shared = 0;  // tokens that are read as a prefix
    size_t blocks = 0;   // frozen ones
    bool operator==(const Key&) const = default;
  };

  // A batch's passes follow, in their order. States of another key are dropped.
  void begin(Key key);
  // For the next pass; undefined the first time.
  at::Tensor* next();
  // All passes of the batch were made: from now on its states may be taken.
  void finish() { complete_ = true; }

  int64_t taken() const { return taken_; }  // passes that found their states made

 private:
  Key key_;
  std::vector<at::Tensor> states_;
  size_t next_ = 0;
  bool complete_ = false;
  int64_t taken_ = 0;
};

}  // namespace telora
