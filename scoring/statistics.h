#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace telora {

struct Interval {
  double low = 0;
  double high = 0;
};

inline constexpr double kZ95 = 1.959963984540054;  // normal quantile of 0.975

// Wilson score interval of a proportion of `correct` in `n` (Wilson, JASA 1927). n = 0 gives [0,
// 1].
Interval wilson(int64_t correct, int64_t n, double z = kZ95);

// Newcombe's interval of a difference of two independent proportions, first − second (method 10 of
// Newcombe, Statistics in Medicine 1998).
Interval newcombe(int64_t correct1, int64_t n1, int64_t correct2, int64_t n2, double z = kZ95);

// sqrt(p (1 − p) / (n − 1)): the sample standard deviation (n − 1) of n right-or-wrong marks over
// sqrt(n), the form that Inspect and lm-evaluation-harness print. Needs n of at least 2, else NaN.
double standard_error(int64_t correct, int64_t n);

// Probability of exactly k successes in n trials of probability p.
double binomial_point(int64_t k, int64_t n, double p);

// Exact binomial tests of k of n against p. Two-sided: the sum over all outcomes that are no
// likelier than k (with a relative tolerance of 1e-7 for ties, as R and SciPy do).
double binomial_at_least(int64_t k, int64_t n, double p);  // P(X >= k)
double binomial_at_most(int64_t k, int64_t n, double p);   // P(X <= k)
double binomial_two_sided(int64_t k, int64_t n, double p);

// Two systems on the same items; only the items on which they disagree count.
struct PairedCounts {
  int64_t only_first = 0;   // right by the first alone
  int64_t only_second = 0;  // right by the second alone
  int64_t n = 0;            // items in all
  int64_t both = 0;         // right by both; only paired_interval needs it
};

struct McNemar {
  double exact = 1;  // min(1, 2 · P(X <= min(b, c))), X binomial(b + c, 1/2)
  double mid = 1;    // the same less the point mass at min(b, c)
};

McNemar mcnemar(const PairedCounts& counts);

// Newcombe's interval of a difference of two proportions of the same items, second − first: Wilson
// intervals of both, joined with their correlation, whose numerator is shrunk by n/2 where it is
// positive (method 10 of Newcombe, Statistics in Medicine 17, 1998, pp. 2635-2650).
Interval paired_interval(const PairedCounts& counts, double z = kZ95);

// Items of which a two-sided McNemar test at `alpha` would tell, with probability `power`, that the
// two systems differ, were they to disagree at the rates seen here (Connor, Biometrics 1987). 0: no
// number would, for the counts show no difference.
int64_t items_to_tell(const PairedCounts& counts, double alpha = 0.05, double power = 0.8);

// Holm's adjusted p-values, in the order of `p` (Scandinavian Journal of Statistics 1979).
std::vector<double> holm(std::span<const double> p);

// x with P(standard normal <= x) = p; −∞ and +∞ at 0 and 1.
double normal_quantile(double p);

}  // namespace telora
