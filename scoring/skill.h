#pragma once

namespace telora {

// (A − A₀) / (1 − A₀): what an accuracy adds to that of the best answer that costs nothing. 1 is
// perfect, 0 no better than A₀, negative worse. NaN where A₀ is 1: nothing can be added.
double skill(double accuracy, double a0);

}  // namespace telora
