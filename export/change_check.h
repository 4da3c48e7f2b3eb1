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
  // Correlation of the two, from -1 to 1.
  double likeness() const;
};

// What a module is, for the words of a fault.
struct CheckedModule {
  int64_t rank = 0;
  int64_t reordered_head = 0;  // rows of a head where files of this format reorder them; 0: not
};

// Holds the change that a file makes to one weight against the one that was wanted, a piece of rows
// at a time.
class ChangeCheck {
 public:
  explicit ChangeCheck(const CheckedModule& module) : module_(module) {}

  // Two [rows, in] float32 of the same rows, whole heads where rows are reordered. Throws
  // Error(internal) where shapes differ.
  void add(const at::Tensor& found, const at::Tensor& wanted);

  // Throws Error(internal) where all that was wanted is zero.
  ChangeFit fit() const { return fit_of(straight_); }

  // Says in words what is wrong, the commonest faults of exporters by name: nothing is changed; it
  // acts at another strength (by √rank: rsLoRA was ignored, or applied twice); rows of q and k
  // stand in the other order; something else. Empty where found is wanted but for rounding, of
  // which there may be `rounding` (|difference| / |wanted|). Rounding of the weights that carry a
  // change can be larger than the change, but does not hide its strength, which is judged over all
  // elements.
  // `expected`: the factor that rounding is known to leave, where that is not quite 1.
  std::string fault(double rounding, double expected = 1) const;

 private:
  ChangeFit fit_of(double product) const;
  bool is_reordered() const;

  CheckedModule module_;
  double found_ = 0;     // squares
  double wanted_ = 0;    // squares
  double straight_ = 0;  // products of found and wanted
  double written_ = 0;   // … with wanted in the order that a file has
  double read_ = 0;      // … with found in it
  int64_t count_ = 0;
};

}  // namespace telora
