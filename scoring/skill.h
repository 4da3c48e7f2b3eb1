#pragma once

#include <cstdint>
#include <span>

namespace telora {

// (A − A₀) / (1 − A₀): what an accuracy adds to that of the best answer that costs nothing. 1 is
// perfect, 0 no better than A₀, negative worse. NaN where A₀ is 1: nothing can be added.
double skill(double accuracy, double a0);

// N² / Σ n²: as many independent rows would tell as much as N rows in groups of these sizes, were
// the rows of a group all alike. 0 without rows.
double effective_sample_size(std::span<const int64_t> group_sizes);

}  // namespace telora
