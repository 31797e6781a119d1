#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures for tests/test_chart.c that are not in the definitions, by the slow obvious way: exact
fractions and 40 digits (mpmath), every split tried, every order gone through.

    python3 tests/reference/chart_rows.py
"""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

from mpmath import mp, mpf

mp.dps = 40
K = [3, 5, 2, 9, 4, 0, 6]
N = [40, 52, 31, 60, 45, 0, 50]
X = ["2.5", "3.25", "2.75", "4", "3.5", "3.5", "6.25", "2"]


def real(value):
    """A fraction as 40 digits."""
    return mpf(value.numerator) / value.denominator


def show(name, *values):
    print(f"{name:28s}", ", ".join(mp.nstr(v, 17) for v in values))


def rates(share):
    """Centre, spread of z, limits of p (u) and of p' (u') at the second point; 0 is skipped."""
    points = [(k, n) for k, n in zip(K, N) if n]
    centre = Fraction(sum(K), sum(N))
    variance = centre * (1 - centre) if share else centre
    z = [(mpf(k) / n - real(centre)) / mp.sqrt(real(variance) / n) for k, n in points]
    spread = sum(abs(b - a) for a, b in zip(z, z[1:])) / (len(z) - 1) / mpf("1.128")
    sigma = mp.sqrt(real(variance) / N[1])
    name = "p" if share else "u"
    show(f"{name} centre, sigma_z", real(centre), spread)
    show(f"{name} limits at 1", real(centre) - 3 * sigma, real(centre) + 3 * sigma)
    show(f"{name}' limits at 1", real(centre) - 3 * sigma * spread, real(centre) + 3 * sigma * spread)


def ranges():
    x = [Fraction(v) for v in X]
    moving = sorted(abs(b - a) for a, b in zip(x, x[1:]))
    middle = moving[len(moving) // 2]
    half = mp.sqrt(2) * mp.erfinv(mpf("0.5")) * mp.sqrt(2)  # sqrt(2) Phi^-1(3/4)
    d3 = mp.sqrt(2 - 4 / mp.pi)
    d2 = 2 / mp.sqrt(mp.pi)
    sigma = real(middle) / half
    show("median sigma exact", sigma)
    show("its mr centre, upper", half * sigma, (d2 + 3 * d3) * sigma)
    first = [Fraction(v) for v in X[:4]]
    mean = sum(first) / 4
    mr = sum(abs(b - a) for a, b in zip(first, first[1:])) / 3
    show("baseline 4, 2 sigma", real(mean), real(mean) - 2 * real(mr) / mpf("1.128"))
    show("mr upper at 2 sigma", (1 + 2 * d3 / d2) * real(mr))


def ewma_and_cusum():
    z, l, centre, sigma = mpf(3), mpf("0.05"), mpf(3), mpf("0.8")
    for t, x in enumerate(X, 1):
        z = l * mpf(x) + (1 - l) * z
        wide = sigma * mp.sqrt(l / (2 - l) * (1 - (1 - l) ** (2 * t)))
        if t in (1, 8):
            show(f"ewma {t}: z, upper", z, centre + mpf("2.7") * wide)
    k, h = mpf("0.5") * sigma, 4 * sigma
    high = low = h / 2
    for t, x in enumerate(X, 1):
        high = max(mpf(0), high + mpf(x) - centre - k)
        low = max(mpf(0), low + centre - mpf(x) - k)
        if t in (1, 7, 8):
            show(f"cusum {t}: high, low", high, low)


# ---- change points -----------------------------------------------------------------------------


def between(x, k):
    n = len(x)
    left, right = sum(x[:k]), sum(x[k:])
    return left * left / k + right * right / (n - k) - (left + right) ** 2 / Fraction(n)


def pettitt(x, k):
    rank = [2 * sum(b < a for b in x) + sum(b == a for b in x) + 1 for a in x]
    return abs(sum(rank[:k]) - k * (len(x) + 1))


def orders(name, x, statistic):
    """Best split, and the share of all orders with as large a statistic."""
    def best(y):
        return max(statistic(y, k) for k in range(1, len(y)))

    top = best(x)
    hits = total = 0
    for y in permutations(x):
        hits += best(list(y)) >= top
        total += 1
    at = min(k for k in range(1, len(x)) if statistic(x, k) == top)
    print(f"{name:28s} at {at}, statistic {float(top)!r}, p = {hits}/{total} = {hits / total!r}")
    return top


def changes():
    x = [Fraction(v) for v in ("2", "2.5", "2.25", "3", "5", "4.5", "5.5")]
    top = orders("mean, 7 points", x, between)
    rss = sum(v * v for v in x) - sum(x) ** 2 / Fraction(len(x))
    show("its supF", real(top / ((rss - top) / (len(x) - 2))))
    orders("pettitt, 7 points", x, pettitt)
    k, n = [9, 8, 9, 2, 3, 1], [10, 10, 12, 10, 11, 9]
    best = []
    for at in range(1, 6):
        def l(k, n):
            p = mpf(k) / n
            return k * mp.log(p) + (n - k) * mp.log(1 - p)
        best.append((2 * (l(sum(k[:at]), sum(n[:at])) + l(sum(k[at:]), sum(n[at:])) - l(sum(k), sum(n))), at))
    show("proportion: LR", max(best)[0])
    print(" " * 28, "at", max(best)[1])


rates(True)
rates(False)
ranges()
ewma_and_cusum()

def dealt(n, parts):
    """Every way to deal n events to so many parts."""
    if parts == 1:
        yield (n,)
        return
    for k in range(n + 1):
        for rest in dealt(n - k, parts - 1):
            yield (k, *rest)


def rate_changes():
    """Poisson counts of exposures: LR of every split; the exact p of a small series, all ways its
    events can fall weighted by the multinomial chance of each."""
    def lr(k, t):
        def l(a, b):
            n = sum(k[a:b])
            return n * mp.log(mpf(n) / sum(t[a:b])) if n else mpf(0)
        n = len(k)
        return max((2 * (l(0, i) + l(i, n) - l(0, n)), i) for i in range(1, n))
    show("rate LR", *lr([10, 12, 8, 14, 10, 16, 25, 31, 22, 28], [mpf(5)] * 10))
    k, t = [4, 0, 2, 1], [mpf("1.5"), mpf(2), mpf("0.5"), mpf(4)]
    total, all_t = sum(k), sum(t)
    best = lr(k, t)
    p = mpf(0)
    for ks in dealt(total, len(k)):
        chance = mp.factorial(total)
        for n, part in zip(ks, t):
            chance *= (part / all_t) ** n / mp.factorial(n)
        if lr(list(ks), t)[0] >= best[0] * (1 - mpf(10) ** -12):
            p += chance
    show("small rate LR, at, p", best[0], best[1], p)


changes()
rate_changes()
