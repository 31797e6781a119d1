#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints tests/data/target_rows.h: targets of shares and net scores, and the answers needed.

    target_rows.py                                  (needs mpmath; two minutes)

Shares: { 's', x, 0, n, target, alpha, p_greater, p_less, n_needed }; tails are sums of binomial
terms as fractions; n_needed is found by trying every n' with the incomplete beta function of a
real number of successes. Net scores: { 'n', d, p, r, target, … } on -1 … 1: the likelihood under
the target is maximised by golden section, the variance taken there, and every n' is tried."""
from fractions import Fraction
from math import comb

from mpmath import betainc, erfc, log, mp, mpf, sqrt

mp.dps = 30


def at_least(k, n, p):
    return sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


def share_settled(x, n, m, target, alpha):
    """Whether m answers with the share x / n have a verdict: exact limits as tails."""
    k = mpf(x) * m / n
    greater = betainc(k, m - k + 1, 0, target, regularized=True) if x else mpf(1)
    less = betainc(m - k, k + 1, 0, 1 - target, regularized=True) if x < n else mpf(1)
    return greater <= alpha or less < alpha


def share_row(x, n, target, alpha):
    p, a = Fraction(target), mpf(alpha)
    t = mpf(p.numerator) / p.denominator
    greater, less = at_least(x, n, p), 1 - at_least(x + 1, n, p)
    m = n
    if Fraction(x, n) != p and not share_settled(x, n, n, t, a):
        while not share_settled(x, n, m, t, a):
            m += 1
    needed = m if m > n else -1
    print(f"{{ 's', {x}, 0, {n}, {target}, {alpha}, {float(greater)!r}, {float(less)!r}, "
          f"{needed} }},")


def constrained_variance(d, p, r, net):
    """n times the variance of one answer where the likelihood is highest with that net score."""
    n = d + p + r
    low, high = max(mpf(0), -net), (1 - net) / 2  # share of detractors q, promoters q + net

    def loglik(q):
        total = mpf(0)
        for count, share in ((d, q), (p, 1 - 2 * q - net), (r, q + net)):
            if count:
                if share <= 0:
                    return -mpf(10) ** 20
                total += count * log(share)
        return total

    golden = (sqrt(mpf(5)) - 1) / 2
    for _ in range(140):
        a, b = high - golden * (high - low), low + golden * (high - low)
        if loglik(a) < loglik(b):
            low = a
        else:
            high = b
    q = (low + high) / 2
    return n * (2 * q + net - net**2)


def score_z(d, p, r, net):
    n = d + p + r
    return (r - d - n * net) / sqrt(constrained_variance(d, p, r, net))


def upper(z):
    return erfc(z / sqrt(mpf(2))) / 2


def net_row(d, p, r, target, alpha):
    n, t, a = d + p + r, mpf(target), mpf(alpha)
    z = score_z(d, p, r, t)
    greater, less = upper(z), upper(-z)
    m = n
    # The likeliest shares do not change with m, so z grows with its root.
    while min(upper(z * sqrt(mpf(m) / n)), upper(-z * sqrt(mpf(m) / n))) > a:
        m += 1
    print(f"{{ 'n', {d}, {p}, {r}, {target}, {alpha}, {float(greater)!r}, {float(less)!r}, "
          f"{m if m > n else -1} }},")


def main():
    print("/* tests/reference/target_rows.py: fractions and 30 digits. */")
    for x, n, target in ((460, 500, "0.90"), (469, 500, "0.90"), (430, 500, "0.90"),
                         (1910, 2000, "0.95"), (60, 60, "0.95"), (58, 58, "0.95"),
                         (28, 28, "0.90"), (1, 1, "0.5"), (0, 3, "0.1"), (3, 10, "0.45"),
                         (93, 100, "0.90"), (17, 20, "0.9"), (1, 7, "0.02"), (5, 10, "0.25")):
        for alpha in ("0.05", "0.01"):
            share_row(x, n, target, alpha)
    for counts, target in (((15, 25, 40), "0.4"), ((15, 25, 40), "0.2"), ((2, 3, 5), "0.1"),
                           ((0, 4, 6), "0.3"), ((3, 2, 1), "-0.05"), ((1, 0, 9), "0.65"),
                           ((12, 28, 60), "0.5"), ((7, 80, 9), "0"), ((20, 5, 3), "-0.5")):
        for alpha in ("0.05", "0.2"):
            net_row(*counts, target, alpha)


if __name__ == "__main__":
    main()
