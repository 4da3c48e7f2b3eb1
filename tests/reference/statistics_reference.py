"""Intervals, tests and errors of scoring/ against SciPy and statsmodels, to 1e-9; all counts are drawn with one seed."""
import argparse
import json
import math
import tempfile
from pathlib import Path

from common import ROOT, Failures, program, skip

try:
    import numpy
    import scipy
    import statsmodels.api
    from scipy import special, stats
    from statsmodels.stats import contingency_tables, multitest, proportion
except ImportError as error:
    skip(f"{error}; tools/setup.sh --reference installs the references")

DRAWS = numpy.random.default_rng(6)
TOLERANCE = 1e-9


def counts(largest=2500):
    n = int(DRAWS.integers(2, largest))
    return int(DRAWS.integers(0, n + 1)), n


def tables():
    """Both right, first alone, second alone, neither: drawn ones, and some at the edges."""
    drawn = [[int(x) for x in DRAWS.multinomial(DRAWS.integers(10, 1500), DRAWS.dirichlet([2, 1, 1, 2]))] for _ in range(200)]
    return drawn + [[14, 0, 5, 22], [10, 0, 0, 0], [0, 3, 9, 0], [0, 0, 0, 8], [5, 5, 0, 0], [300, 7, 7, 2]]


def newcombe_paired(both, first, second, neither):
    """Method 10 of Newcombe 1998 written out anew, second - first; statsmodels has it in its newest versions only."""
    n = both + first + second + neither
    p1, p2 = (both + first) / n, (both + second) / n
    (l1, u1), (l2, u2) = (proportion.proportion_confint(round(p * n), n, method="wilson") for p in (p1, p2))
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    excess = both * neither - first * second
    phi = 0 if margins == 0 else (max(excess - n / 2, 0) if excess > 0 else excess) / math.sqrt(margins)
    down = math.sqrt(max(0, (p2 - l2) ** 2 - 2 * phi * (p2 - l2) * (u1 - p1) + (u1 - p1) ** 2))
    up = math.sqrt(max(0, (u2 - p2) ** 2 - 2 * phi * (u2 - p2) * (p1 - l1) + (p1 - l1) ** 2))
    return p2 - p1 - down, p2 - p1 + up


def items_to_tell(first, second, n):
    if first == second:
        return 0
    apart, effect = (first + second) / n, (second - first) / n
    reach = stats.norm.ppf(0.975) * math.sqrt(apart) + stats.norm.ppf(0.8) * math.sqrt(apart - effect**2)
    return math.ceil((reach / effect) ** 2)


def paired_case(cells):
    both, first, second, neither = cells
    test = contingency_tables.mcnemar([[both, first], [second, neither]], exact=True)
    least, apart = min(first, second), first + second
    mid = min(1, 2 * stats.binom.cdf(least, apart, 0.5) - stats.binom.pmf(least, apart, 0.5)) if apart else 1
    return [test.pvalue if apart else 1, mid, *newcombe_paired(*cells), items_to_tell(first, second, sum(cells))]


def binomial_case(k, n, p):
    return [stats.binomtest(k, n, p).pvalue, stats.binom.sf(k - 1, n, p), stats.binom.cdf(k, n, p), stats.binom.pmf(k, n, p)]


def clustered_case():
    """Ordinary least squares on a constant with cluster-robust errors: the mean and its error."""
    groups = numpy.repeat(numpy.arange(60), DRAWS.integers(1, 9, size=60))
    marks = (DRAWS.random(len(groups)) < DRAWS.random(60)[groups]).astype(float)
    fit = statsmodels.api.OLS(marks, numpy.ones(len(marks))).fit(cov_type="cluster", cov_kwds={"groups": groups})
    return {"ask": "clustered", "values": marks.tolist(), "clusters": [str(g) for g in groups]}, [fit.bse[0]]


def cases():
    """What is asked of our code, and what is right."""
    for k, n in [counts() for _ in range(200)] + [(0, 7), (7, 7), (0, 10_000)]:
        interval = stats.binomtest(k, n).proportion_ci(method="wilson")
        yield {"ask": "wilson", "k": k, "n": n}, [interval.low, interval.high]
        yield {"ask": "standard_error", "k": k, "n": n}, [numpy.std([1.0] * k + [0.0] * (n - k), ddof=1) / math.sqrt(n)]
    for (k1, n1), (k2, n2) in [(counts(), counts()) for _ in range(200)]:
        right = proportion.confint_proportions_2indep(k1, n1, k2, n2, method="newcomb", compare="diff")
        yield {"ask": "newcombe", "k1": k1, "n1": n1, "k2": k2, "n2": n2}, list(right)
    for k, n, p in [(*counts(), float(DRAWS.random())) for _ in range(100)]:
        near = int(stats.binom.ppf(DRAWS.random(), n, p))
        yield {"ask": "binomial", "k": near, "n": n, "p": p}, binomial_case(near, n, p)
    for cells in tables():
        yield {"ask": "paired", "table": cells}, paired_case(cells)
    for _ in range(20):
        yield clustered_case()
    for size in (1, 2, 8, 8, 8, 30):
        p = (DRAWS.random(size) ** 3).tolist()
        yield {"ask": "holm", "p": p}, multitest.multipletests(p, method="holm")[1].tolist()
    for p in [1e-12, 1e-4, 0.025, 0.3, 0.5, 0.8, 0.975, 0.999, *DRAWS.random(50).tolist()]:
        yield {"ask": "quantile", "p": p}, [stats.norm.ppf(p)]
    for n, c, k in [(4, 1, 2), (10, 3, 5), (64, 2, 16), (5, 5, 5), (20, 0, 3)]:
        yield {"ask": "pass_at_k", "n": n, "c": c, "k": k}, [1 - special.comb(n - c, k) / special.comb(n, k)]


def check_bootstrap(failures, bin_folder):
    """Other random numbers than SciPy's: the bounds agree to the error that 10,000 draws have."""
    values = (DRAWS.random(400) < 0.6).astype(float)
    ours = ask_program(bin_folder, [{"ask": "bootstrap", "values": values.tolist()}])[0]
    theirs = stats.bootstrap((values,), numpy.mean, n_resamples=10_000, method="percentile", rng=DRAWS).confidence_interval
    failures.close("bootstrap", ours, [theirs.low, theirs.high], 4e-3)


def ask_program(bin_folder, questions):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(questions, file)
        file.flush()
        return json.loads(program(bin_folder, "statistics_values", file.name))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=Path, default=ROOT / "build" / "release" / "bin")
    bin_folder = parser.parse_args().bin
    questions, right = zip(*cases())
    failures = Failures()
    worst = {}
    for question, ours, theirs in zip(questions, ask_program(bin_folder, list(questions)), right, strict=True):
        holds = numpy.allclose(ours, theirs, rtol=TOLERANCE, atol=1e-14)
        failures.check(holds, f"{question}: {ours}, reference {theirs}")
        error = numpy.abs(numpy.subtract(ours, theirs)) / numpy.maximum(numpy.abs(theirs), 1e-5)
        worst[question["ask"]] = max(worst.get(question["ask"], 0), error.max())
    for name, error in worst.items():
        print(f"{name}: relative error at most {error:.1e}")
    print(f"scipy {scipy.__version__}, statsmodels {statsmodels.__version__}")
    check_bootstrap(failures, bin_folder)
    failures.finish()


if __name__ == "__main__":
    main()
