#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace telora {

// How a change that was found in a file relates to the one that was wanted: found ≈ factor · wanted
// in the sense of least squares.
struct ChangeFit {
  double factor = 0;
  double error = 0;  // standard error of the factor, from what is left over
  double left = 0;  // |found − factor · wanted| / |wanted|: rounding, or another change altogether
};

// Both [out, in] float32. Throws Error(internal) where shapes differ or `wanted` is all zero.
ChangeFit fit_change(const at::Tensor& found, const at::Tensor& wanted);

// What a module is, for the words of a fault.
struct CheckedModule {
  int64_t rank = 0;
  int64_t reordered_head = 0;  // rows of a head where files of this format reorder them; 0: not
};

// Says in words what is wrong with a change, for the commonest faults of exporters by name: nothing
// is changed; it acts at another strength (by √rank: rsLoRA was ignored, or applied twice); rows of
// q and k stand in the other order; something else. Empty where found is wanted but for rounding,
// of which there may be `rounding` (|difference| / |wanted|). Rounding of the weights that carry a
// change hides it where it is large, but not its strength, which is judged over all elements.
std::string change_fault(const at::Tensor& found, const at::Tensor& wanted,
                         const CheckedModule& module, double rounding);

}  // namespace telora
