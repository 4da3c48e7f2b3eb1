#pragma once

#include <cstdint>
#include <span>

#include "backbone/decoder_spec.h"
#include "eval/encoded_example.h"
#include "train/train_pass.h"

namespace telora {

// What training on some rows asks for, counted from their lengths. A row of L tokens is L - 1
// tokens read (its last one is a target only) and, in a layer that sees everything,
// (L - 1) L / 2 pairs of a query and a key; in a layer with a window of W, each query meets W keys
// at most.
struct TrainingWork {
  int64_t tokens = 0;       // read by every layer
  int64_t pairs = 0;        // of one layer that sees everything
  int64_t local_pairs = 0;  // of one layer with a window
  int64_t answers = 0;      // tokens whose loss is taken: they alone pass the vocabulary head
  TrainingWork& operator+=(const TrainingWork& other);
  bool operator==(const TrainingWork&) const = default;
};

// `shared`: tokens all rows begin with that are read once for all of them; 0 counts every row in
// full. `window`: DecoderSpec::sliding_window.
TrainingWork count_work(std::span<const EncodedExample* const> rows, LossTokens loss,
                        int64_t shared, int64_t window);

// Floating-point operations of the matrix products of one forward and backward pass of LoRA
// training, a multiplication and an addition being two:
//   frozen linears  4 N tokens       N values in them: W x, and the gradient of x
//   adapter         6 P tokens       P values in it: B (A x), and the gradients of A, B and x
//   attention      12 H d pairs      a layer: q k and p v, and two products for the gradient of
//   each head            4 V D answers    as a frozen linear
// What an implementation computes again in its backward pass, or leaves out (rows of the last
// block that nothing reads, blocks below the first adapted one), is not in it: programs are
// compared by the same count.
double training_flops(const DecoderSpec& spec, int64_t adapter_parameters,
                      const TrainingWork& work);

}  // namespace telora
