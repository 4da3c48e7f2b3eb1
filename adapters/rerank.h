#pragma once

#include <cstdint>
#include <vector>

#include "adapters/peft_folder.h"

namespace telora {

// Singular values of one module's change, s · B A, and what one component costs.
struct ModuleSpectrum {
  std::vector<double> values;  // descending
  int64_t weight = 0;          // numbers that one component takes: in + out
};

// In the adapter's order; float64, without forming B A.
std::vector<ModuleSpectrum> module_spectra(const AdapterFile& adapter);

// Ranks of the modules, each from 1 to what it has.
using Ranks = std::vector<int64_t>;

// The same rank everywhere, or less where a module has less. Throws Error(usage) below 1.
Ranks uniform_ranks(const std::vector<ModuleSpectrum>& spectra, int64_t rank);

// The fewest components of each module that hold at least this share of the squared norm of its
// change. Throws Error(usage) outside 0 to 1, 0 excluded.
Ranks ranks_for_energy(const std::vector<ModuleSpectrum>& spectra, double share);

// Components of all modules by squared singular value a number, the greatest first, as long as they
// fit `numbers`; one of each module is always taken. For modules of one shape no other choice keeps
// more; for several it is greedy. Throws Error(usage) where one of each does not fit.
Ranks ranks_for_numbers(const std::vector<ModuleSpectrum>& spectra, int64_t numbers);

// Share of the squared norm of all changes that these ranks keep.
double kept_energy(const std::vector<ModuleSpectrum>& spectra, const Ranks& ranks);

// The adapter whose changes are the nearest of these ranks (Eckart and Young, Psychometrika 1936):
// truncated singular value decompositions, with √σ on both sides and every scale 1. Modules of
// another rank than the first stand in rank_pattern and alpha_pattern. Throws Error(config) for
// DoRA, whose magnitudes belong to the change as it was.
AdapterFile rerank(const AdapterFile& adapter, const Ranks& ranks);

// Bytes that a radio link carries in time: bandwidth · log2(1 + 10^(snr / 10)) · deadline / 8
// (Shannon). dB, Hz, seconds; throws Error(usage) for values that are not positive (snr may be
// any).
uint64_t link_bytes(double snr, double bandwidth, double deadline);

}  // namespace telora
