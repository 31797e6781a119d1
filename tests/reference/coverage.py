#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact coverage of every interval, and the reference page made of it.

    coverage.py page > tests/reference/README.md     the page (about ten minutes)
    coverage.py quick                                its lines for n = 5, 10, 20 (seconds)
    coverage.py rows > tests/data/coverage_rows.h    what test_coverage.c compares and simulates
    coverage.py library                              all limits against those of the library

Needs NumPy and SciPy; `library` also needs the Python package. Nothing is simulated: for a given
truth every possible outcome is listed with its probability, and those whose interval holds the
truth are added up. The intervals are written here from the papers, without any of the library's
code; the incomplete beta function is SciPy's, and the ideal bootstrap is a power of the
characteristic function. An undefined interval (WALD_T at n = 1, LOGIT at 0 and n) holds nothing."""

import sys

import numpy as np
from scipy import special

SIZES = (5, 10, 20, 50, 100, 200, 500, 1000)
QUICK = (5, 10, 20)
LEVEL = 0.95
NET_TRUTHS = (  # detractors, passives, promoters
    (0.20, 0.30, 0.50), (0.05, 0.15, 0.80), (0.01, 0.05, 0.94), (0.001, 0.009, 0.99),
    (0.05, 0.90, 0.05), (0.45, 0.10, 0.45))
SHARE_TRUTHS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)


def halton(count, base):
    """The first points of van der Corput's sequence."""
    found = []
    for i in range(1, count + 1):
        x, part = 0.0, 1.0 / base
        while i:
            i, digit = divmod(i, base)
            x += digit * part
            part /= base
        found.append(x)
    return np.array(found)


def simplex(count):
    """Truths spread evenly over all triples of shares: Dirichlet(1, 1, 1) without chance."""
    u, v = np.sqrt(halton(count, 2)), halton(count, 3)
    return np.stack([1 - u, u * (1 - v), u * v], axis=1)


# ---- net scores -------------------------------------------------------------------------------


def critical(level):
    return float(special.ndtri(1 - (1 - level) / 2))


def wald(d, p, r, n, z, plus=(0.0, 0.0, 0.0), divisor=0.0):
    d, p, r = d + plus[0], p + plus[1], r + plus[2]
    m = n + sum(plus)
    s = (r - d) / m
    v = np.maximum((r + d) / m - s * s, 0.0)
    half = z * np.sqrt(v / (m - divisor)) if m > divisor else np.full_like(s, np.nan)
    return s - half, s + half


def score(d, p, r, n, z):
    """Tango's limits by bisection; q as in the definition."""

    def z_of(net):
        a = 2.0 * n
        b = -d - r + (2 * n - r + d) * net
        c = -d * net * (1 - net)
        q = (np.sqrt(np.maximum(b * b - 4 * a * c, 0)) - b) / (2 * a)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (r - d - n * net) / np.sqrt(np.maximum(n * (2 * q + net * (1 - net)), 0))

    value = (r - d) / n

    def solve(low, high, target):
        """The root of z_of = target between them, z falling."""
        low, high = low.copy(), high.copy()
        for _ in range(60):
            half = 0.5 * (low + high)
            up = z_of(half) > target
            low, high = np.where(up, half, low), np.where(up, high, half)
        return 0.5 * (low + high)

    # Just beside the value: there z has the right sign even where its variance vanishes.
    lower = solve(np.full(value.shape, -1.0), value - 1e-13, z)
    upper = solve(value + 1e-13, np.full(value.shape, 1.0), -z)
    return np.where(d == n, -1.0, lower), np.where(r == n, 1.0, upper)


def goodman(d, p, r, n, level):
    a = float(special.chdtri(1, (1 - level) / 3))

    def side(x, sign):
        return (a + 2 * x + sign * np.sqrt(a * (a + 4 * x * (n - x) / n))) / (2 * (n + a))

    return side(r, -1) - side(d, 1), side(r, 1) - side(d, -1)


def sums(d, p, r, n):
    """Row by row the distribution of the sum of n answers drawn with the observed shares: the
    step's characteristic function to the power n, back by Fourier."""
    size = 2 ** int(np.ceil(np.log2(2 * n + 2)))
    angle = 2 * np.pi * np.arange(size // 2 + 1) / size
    turn = np.exp(-1j * angle)
    step = (d[:, None] * turn.conj() + p[:, None] + r[:, None] * turn) / n
    wheel = np.fft.irfft(step**n, size)
    return np.concatenate([wheel[:, size - n:], wheel[:, : n + 1]], axis=1)  # -n … n


def quantile(cumulative, n, levels):
    """The smallest k / n with F >= level."""
    at = np.argmax(cumulative >= levels[:, None] - 1e-12, axis=1)
    return (at - n) / n


def bootstrap(d, p, r, n, level, bca):
    tail = (1 - level) / 2
    lower, upper = np.empty(d.shape), np.empty(d.shape)
    for start in range(0, len(d), 2000):
        part = slice(start, start + 2000)
        dd, pp, rr = (x[part].astype(float) for x in (d, p, r))
        chance = np.maximum(sums(dd, pp, rr, n), 0)
        cumulative = np.cumsum(chance, axis=1)
        low, high = np.full(dd.shape, tail), np.full(dd.shape, 1 - tail)
        if bca:
            at = (rr - dd).astype(int) + n
            rows = np.arange(len(dd))
            here = chance[rows, at]
            z0 = special.ndtri(np.clip(cumulative[rows, at] - here / 2, 1e-300, 1))
            t = (rr - dd) / n
            codes = np.array([-1.0, 0.0, 1.0])
            shares = np.stack([dd, pp, rr], axis=1) / n
            gap = codes[None, :] - t[:, None]
            m2, m3 = (shares * gap**2).sum(1), (shares * gap**3).sum(1)
            with np.errstate(divide="ignore", invalid="ignore"):
                a = m3 / (6 * np.sqrt(n) * m2**1.5)
            z = critical(level)
            flat = m2 < 1e-15
            new = [special.ndtr(z0 + (z0 + s * z) / (1 - a * (z0 + s * z))) for s in (-1, 1)]
            low, high = np.where(flat, low, new[0]), np.where(flat, high, new[1])
        lower[part], upper[part] = quantile(cumulative, n, low), quantile(cumulative, n, high)
    return lower, upper


THIRD, QUARTER = (1 / 3, 1 / 3, 1 / 3), (1 / 4, 1 / 2, 1 / 4)
NETS = {
    "wald": lambda d, p, r, n, lv: wald(d, p, r, n, critical(lv)),
    "wald-t": lambda d, p, r, n, lv: wald(
        d, p, r, n, float(special.stdtrit(n - 1, 1 - (1 - lv) / 2)) if n > 1 else np.nan, divisor=1),
    "adjusted-wald": lambda d, p, r, n, lv: wald(
        d, p, r, n, critical(lv), tuple(3 * x for x in QUARTER)),
    "adjusted-wald-u": lambda d, p, r, n, lv: wald(
        d, p, r, n, critical(lv), tuple(3 * x for x in THIRD)),
    "adjusted-wald-tz": lambda d, p, r, n, lv: wald(
        d, p, r, n, critical(lv), tuple(critical(lv) ** 2 * x for x in QUARTER)),
    "adjusted-wald-uz": lambda d, p, r, n, lv: wald(
        d, p, r, n, critical(lv), tuple(critical(lv) ** 2 * x for x in THIRD)),
    "score": lambda d, p, r, n, lv: score(d, p, r, n, critical(lv)),
    "contrast": lambda d, p, r, n, lv: wald(d, p, r, n, float(special.chdtri(2, 1 - lv)) ** 0.5),
    "goodman": goodman,
    "bootstrap": lambda d, p, r, n, lv: bootstrap(d, p, r, n, lv, False),
    "bca": lambda d, p, r, n, lv: bootstrap(d, p, r, n, lv, True),
}
RESAMPLED = ("bootstrap", "bca")
NET_USE = {
    "wald": "never; for comparison with tools that have nothing else",
    "wald-t": "never below 50 answers; the t test on the codes",
    "adjusted-wald": "**default**: right on average from 5 answers on, shortest of the honest ones",
    "adjusted-wald-u": "a little more careful near the ends of the scale",
    "adjusted-wald-tz": "as the default at 0.95; too narrow at 0.99",
    "adjusted-wald-uz": "as the one above",
    "score": "below 20 answers, or nearly everybody agrees: best worst case; decides targets",
    "contrast": "several contrasts of the shares at once",
    "goodman": "all three shares and their difference at once; conservative",
    "bootstrap": "to compare with bootstrapping tools; poor near the ends of the scale at any n",
    "bca": "the same, with the skewness corrected",
}


def net_outcomes(n):
    d, r = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    keep = d + r <= n
    d, r = d[keep], r[keep]
    p = n - d - r
    log_ways = special.gammaln(n + 1) - sum(special.gammaln(x + 1) for x in (d, p, r))
    return d, p, r, log_ways


def net_chance(outcomes, truth):
    d, p, r, log_ways = outcomes
    return np.exp(log_ways + special.xlogy(d, truth[0]) + special.xlogy(p, truth[1])
                  + special.xlogy(r, truth[2]))


def holds(lower, upper, truth):
    """With room for rounding where a limit is the truth itself."""
    with np.errstate(invalid="ignore"):
        return (lower <= truth + 1e-11) & (truth <= upper + 1e-11)


def net_summary(method, n, level=LEVEL, truths=None):
    """Over 400 truths: mean coverage, least coverage, share below level - 0.02, mean width."""
    outcomes = net_outcomes(n)
    lower, upper = NETS[method](*outcomes[:3], n, level)
    width = 100 * (np.clip(upper, -1, 1) - np.clip(lower, -1, 1))
    found, widths = [], []
    for truth in simplex(400) if truths is None else truths:
        chance = net_chance(outcomes, truth)
        found.append(chance[holds(lower, upper, truth[2] - truth[0])].sum())
        widths.append(np.nansum(chance * width))
    found = np.array(found)
    return found.mean(), found.min(), (found < level - 0.02).mean(), np.mean(widths)


def net_coverage(method, n, truth, level=LEVEL):
    """At one truth; outcomes below 1e-13 in all are left out."""
    outcomes = net_outcomes(n)
    chance = net_chance(outcomes, truth)
    keep = chance > 1e-13 / len(chance)
    d, p, r = (x[keep] for x in outcomes[:3])
    lower, upper = NETS[method](d, p, r, n, level)
    return chance[keep][holds(lower, upper, truth[2] - truth[0])].sum()


def one_sided_error(method, n, alpha=0.05):
    """The largest chance that a one-sided limit at 1 - alpha lies beyond the truth."""
    outcomes = net_outcomes(n)
    lower, _ = NETS[method](*outcomes[:3], n, 1 - 2 * alpha)
    grid = np.linspace(0.01, 0.98, 25)
    return max(net_chance(outcomes, (a, 1 - a - b, b))[lower > b - a + 1e-11].sum()
               for a in grid for b in grid if a + b < 0.995)


# ---- shares -----------------------------------------------------------------------------------


def share_wald(x, n, z):
    p = x / n
    half = z * np.sqrt(p * (1 - p) / n)
    return p - half, p + half


def share_wilson(x, n, z):
    p = x / n
    mid = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return np.where(x == 0, 0, mid - half), np.where(x == n, 1, mid + half)


def share_wilson_cc(x, n, z):
    """Newcombe's method 4, as printed there."""
    p = x / n
    q = 1 - p
    low = (2 * x + z * z - 1
           - z * np.sqrt(np.maximum(z * z - 2 - 1 / n + 4 * p * (n * q + 1), 0))) / (2 * (n + z * z))
    high = (2 * x + z * z + 1
            + z * np.sqrt(np.maximum(z * z + 2 - 1 / n + 4 * p * (n * q - 1), 0))) / (2 * (n + z * z))
    return np.where(x == 0, 0, low), np.where(x == n, 1, high)


def share_agresti_coull(x, n, z):
    m = n + z * z
    p = (x + z * z / 2) / m
    half = z * np.sqrt(p * (1 - p) / m)
    return p - half, p + half


def share_beta(x, n, tail, plus):
    """Quantiles of beta(x + plus[0], …): Clopper & Pearson with (0, 1), Jeffreys with 1/2."""
    a, b = plus
    low = special.betaincinv(np.maximum(x + a, 1e-9), n - x + b, tail)
    high = special.betaincinv(x + b, np.maximum(n - x + a, 1e-9), 1 - tail)
    return np.where(x == 0, 0, low), np.where(x == n, 1, high)


def share_mid_p(x, n, tail):
    """P(X > x) + P(X = x) / 2 = tail, by bisection on binomial tails."""

    def tail_at(p):
        above = special.bdtrc(x, n, p)
        at = special.bdtr(x, n, p) - np.where(x > 0, special.bdtr(np.maximum(x - 1, 0), n, p), 0)
        return above + at / 2

    def solve(level):
        low, high = np.zeros(x.shape), np.ones(x.shape)
        for _ in range(60):
            half = 0.5 * (low + high)
            less = tail_at(half) < level
            low, high = np.where(less, half, low), np.where(less, high, half)
        return 0.5 * (low + high)

    return np.where(x == 0, 0, solve(tail)), np.where(x == n, 1, solve(1 - tail))


def share_logit(x, n, z):
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = np.log(x / (n - x))
        half = z / np.sqrt(x * (n - x) / n)
        low, high = special.expit(centre - half), special.expit(centre + half)
    odd = (x == 0) | (x == n)
    return np.where(odd, np.nan, low), np.where(odd, np.nan, high)


SHARES = {
    "wald": lambda x, n, lv: share_wald(x, n, critical(lv)),
    "wilson": lambda x, n, lv: share_wilson(x, n, critical(lv)),
    "wilson-cc": lambda x, n, lv: share_wilson_cc(x, n, critical(lv)),
    "agresti-coull": lambda x, n, lv: share_agresti_coull(x, n, critical(lv)),
    "clopper-pearson": lambda x, n, lv: share_beta(x, n, (1 - lv) / 2, (0, 1)),
    "jeffreys": lambda x, n, lv: share_beta(x, n, (1 - lv) / 2, (0.5, 0.5)),
    "mid-p": lambda x, n, lv: share_mid_p(x, n, (1 - lv) / 2),
    "logit": lambda x, n, lv: share_logit(x, n, critical(lv)),
}
SHARE_USE = {
    "wald": "never; for comparison with tools that have nothing else",
    "wilson": "**default**: right on average for every n; below 0.95 for a few shares near 0 and 1",
    "wilson-cc": "where R's prop.test is wanted; conservative",
    "agresti-coull": "as Wilson for n above 40, a little wider",
    "clopper-pearson": "when coverage must never be below the level: contracts, audits, targets",
    "jeffreys": "as Wilson, equal tails; priors and small n",
    "mid-p": "as exact as possible without being conservative on average",
    "logit": "to compare with logistic models; undefined without a success or a failure",
}


def share_chance(n, p):
    x = np.arange(n + 1)
    return np.exp(special.gammaln(n + 1) - special.gammaln(x + 1) - special.gammaln(n - x + 1)
                  + special.xlogy(x, p) + special.xlog1py(n - x, -p))


def share_coverage(method, n, p, level=LEVEL):
    lower, upper = SHARES[method](np.arange(n + 1.0), n, level)
    return share_chance(n, p)[holds(lower, upper, p)].sum()


def share_summary(method, n, level=LEVEL):
    """Over 400 shares of (0, 1): mean, least within 0.01 … 0.99, share below, mean width."""
    lower, upper = SHARES[method](np.arange(n + 1.0), n, level)
    width = np.clip(upper, 0, 1) - np.clip(lower, 0, 1)
    truths = (np.arange(400) + 0.5) / 400
    chances = [share_chance(n, p) for p in truths]
    found = np.array([c[holds(lower, upper, p)].sum() for c, p in zip(chances, truths)])
    inside = (truths >= 0.01) & (truths <= 0.99)
    widths = [np.nansum(c * width) for c in chances]
    return found.mean(), found[inside].min(), (found < level - 0.02).mean(), np.mean(widths)


# ---- pages ------------------------------------------------------------------------------------


def three(x):
    return f"{x:.3f}".replace("0.", ".", 1) if x < 0.9995 else "1.000"


def net_line(method, n):
    if method in RESAMPLED and n > 100:  # half a million distributions
        spread = ["-"] * 4
    else:
        mean, least, below, width = net_summary(method, n)
        spread = [three(mean), three(least), f"{below:.2f}", f"{width:.1f}"]
    truths = [three(net_coverage(method, n, t)) for t in NET_TRUTHS]
    return "| " + " | ".join([method, str(n), *spread, *truths]) + " |"


def share_line(method, n):
    mean, least, below, width = share_summary(method, n)
    truths = [three(share_coverage(method, n, p)) for p in SHARE_TRUTHS]
    return "| " + " | ".join(
        [method, str(n), three(mean), three(least), f"{below:.2f}", f"{width:.3f}", *truths]) + " |"


def side_line(n):
    return (f"| {n} | {three(one_sided_error('score', n))} | "
            f"{three(one_sided_error('adjusted-wald', n))} |")


def lines(sizes):
    """All lines of the page that depend on n."""
    for method in NETS:
        for n in sizes:
            yield net_line(method, n)
    for method in SHARES:
        for n in sizes:
            yield share_line(method, n)
    for n in (n for n in sizes if n <= 200):
        yield side_line(n)


def table(*heads):
    print("| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads))


def use_table(methods, uses, title, summary):
    print(f"### {title}: which one, and when\n")
    table("interval", "n = 10: mean, least", "n = 100: mean, least", "when")
    for method in methods:
        cells = []
        for n in (10, 100):
            mean, least, _, _ = summary(method, n)
            cells.append(f"{three(mean)}, {three(least)}")
        print("| " + " | ".join([f"`{method}`", *cells, uses[method]]) + " |")
    print()


HEAD = """# Intervals: coverage and when to use which

<!-- made by tests/reference/coverage.py page; do not edit -->

Coverage is the chance that an interval at level 0.95 holds the truth. Every figure here is exact:
all outcomes of n answers with their probabilities, no simulation. The formulas are those of
`include/cxm/interval.h`, written a second time in `coverage.py` from the papers and compared with the
library's limits (`coverage.py library`, `tests/test_coverage.c`). All of them can be chosen by name,
`cxm.nps(…, interval="score")`, and are flagged `CLIPPED` where a limit was cut at the end of the
scale; raw limits are in `lower_raw` and `upper_raw`.
"""

OTHER = """### Means, indexes, ratios, rates

| interval | of | coverage | when |
|---|---|---|---|
| `t` | means, CSI, gaps, ratios, anything weighted | exact for normal data, right for n above 30 or so otherwise | **default** |
| `wald` | the same with the normal distribution | too narrow below 30 answers | large n, comparison |
| `garwood` | events per exposure (complaints, contacts) | at least the level | **default** of rates |
| finite forms | shares, NPS, means of a list of known length | sampling theory; exact hypergeometric with `clopper-pearson` | a good part of the list answered |

With weights, clusters or strata the limits rest on the effective number of answers
n_a = min(n, n_d (t_{n-1} / t_df)^2) (Korn & Graubard 1998) and the same forms.
"""


def page():
    print(HEAD)
    use_table(NETS, NET_USE, "Net scores (NPS, net CSAT)", net_summary)
    use_table(SHARES, SHARE_USE, "Shares", share_summary)
    print(OTHER)
    print("### Net scores, every n\n")
    print("Mean, least: over 400 truths spread evenly over all (detractors, passives, promoters); "
          "below: share of\nthem with coverage below 0.93; width in points after clipping. Then the "
          "coverage at six truths.\n")
    table("interval", "n", "mean", "least", "below", "width",
          *("/".join(f"{x:g}".replace("0.", ".") for x in t) for t in NET_TRUTHS))
    for method in NETS:
        for n in SIZES:
            print(net_line(method, n), flush=True)
    print("\n### Shares, every n\n")
    print("Mean: over 400 shares in (0, 1); least: those in 0.01 … 0.99; below: share with coverage "
          "below 0.93; width\nafter clipping. Then the coverage at six shares.\n")
    table("interval", "n", "mean", "least", "below", "width", *(f"{p:g}" for p in SHARE_TRUTHS))
    for method in SHARES:
        for n in SIZES:
            print(share_line(method, n), flush=True)
    print("\n### One-sided limits of net scores\n")
    print("The largest chance, over all truths, that a one-sided limit at 0.95 lies beyond the truth: "
          "why targets\nare decided by the score test.\n")
    table("n", "score", "adjusted-wald")
    for n in (n for n in SIZES if n <= 200):
        print(side_line(n), flush=True)


def rows():
    """Exact coverage for test_coverage.c."""
    print("/* tests/reference/coverage.py rows: method, n, truth (a share: p, 0, 0), coverage. */")
    for name in NETS:
        for n in (5, 20, 100):
            for truth in (NET_TRUTHS[0], NET_TRUTHS[2]):
                print(f'{{ "{name}", {n}, {{ {truth[0]}, {truth[1]}, {truth[2]} }}, '
                      f"{net_coverage(name, n, truth):.12f} }},")
    for name in SHARES:
        for n in (5, 20, 1000):
            for p in (0.5, 0.9, 0.99):
                print(f'{{ "{name}", {n}, {{ {p}, 0, 0 }}, {share_coverage(name, n, p):.12f} }},')


def against_the_library():
    """Largest difference between these limits and the library's, by method."""
    from ctypes import byref

    from cxm._library import ErrorStruct, IntervalLimits, lib

    out, error = IntervalLimits(), ErrorStruct()
    worst_of_all = 0.0
    for name, limits in {**NETS, **{f"share {k}": v for k, v in SHARES.items()}}.items():
        method = lib.cxm_interval_from_name(name.split()[-1].encode())
        worst = 0.0
        for n in (1, 5, 20, 100, 1000):
            if name.startswith("share"):
                x = np.unique(np.linspace(0, n, 60).astype(int)).astype(float)
                want = limits(x, n, LEVEL)
                outcomes = [(k, float(n)) for k in x]
            else:
                d, p, r, _ = net_outcomes(n)
                some = np.unique(np.linspace(0, len(d) - 1, 300).astype(int))
                d, p, r = d[some], p[some], r[some]
                want = limits(d, p, r, n, LEVEL)
                outcomes = list(zip(d, p, r))
            for i, counts in enumerate(outcomes):
                if len(counts) == 2:
                    lib.cxm_share_interval(*counts, LEVEL, method, byref(out), byref(error))
                    unit = 1.0
                else:
                    lib.cxm_nps_interval(*map(float, counts), LEVEL, method, None, byref(out),
                                         byref(error))
                    unit = 100.0
                for got, own in ((out.lower_raw, want[0][i]), (out.upper_raw, want[1][i])):
                    if got != got and own != own:
                        continue
                    off = abs(got / unit - own)
                    if not off < 1e-9:
                        print(f"{name} n={n} {counts}: {got / unit!r}, not {own!r}")
                    worst = max(worst, off if off == off else 9.0)
        print(f"{name}: {worst:.1e}")
        worst_of_all = max(worst_of_all, worst)
    return 0 if worst_of_all < 1e-9 else 1


def main():
    what = sys.argv[1] if len(sys.argv) > 1 else "page"
    if what == "library":
        return against_the_library()
    if what == "quick":
        for line in lines(QUICK):
            print(line)
    else:
        {"page": page, "rows": rows}[what]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
