#pragma once

namespace telora {

// How the next token is chosen from its logits.
struct Sampling {
  double temperature = 0;  // logits are divided by it; 0: always the most likely token
  double top_p = 1;        // draw from the fewest tokens that have this probability together
};

// Throws Error(usage) for a temperature that is negative or no number, and for top_p outside (0,
// 1].
void check_sampling(const Sampling& sampling);

}  // namespace telora
