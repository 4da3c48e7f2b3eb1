#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "train/early_stop.h"

namespace telora {

// All that changes during a run. The order of rows and the dropout masks follow from step and
// tokens_total, so this is enough to continue bit for bit.
struct TrainState {
  int64_t step = 0;             // optimiser steps done
  int64_t tokens_total = 0;     // real tokens trained on
  double seconds = 0;           // spent in steps and evaluations
  double step_seconds = 0;      // spent in counted steps (see Trainer)
  int64_t step_tokens = 0;      // tokens of counted steps
  bool evaluation_due = false;  // the last step asks for an evaluation that has not been made
  EarlyStop early_stop;
  at::Tensor parameters;       // [N] float32
  at::Tensor first_moment;     // [N]
  at::Tensor second_moment;    // [N]
  at::Tensor best_parameters;  // [N]; of early_stop.best_step
  // [N]; of adapters that started as parts of the weights, otherwise undefined. Fixed, but another
  // machine would not decompose the weights to the same bits, or signs.
  at::Tensor initial_parameters;
};

}  // namespace telora
