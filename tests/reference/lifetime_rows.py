#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference numbers of tests/test_lifetime.c, by mpmath with 40 digits from the papers' formulas:
no Euler transformation, no log-gamma tricks, derivatives by mpmath. Needs mpmath.

    python3 tests/reference/lifetime_rows.py
"""

from mpmath import (beta, digamma, diff, findroot, gamma, hyp2f1, inf, log, loggamma, mp, mpf,
                    nstr, nsum, sqrt)

mp.dps = 40


def show(name, *values):
    print(f"{name:34}", *(nstr(v, 17) for v in values))


def special():
    show("2F1(1, 8; 8.5; 0.999)", hyp2f1(1, 8, mpf("8.5"), mpf("0.999")))
    show("digamma .25, 1e6", digamma(mpf("0.25")), digamma(mpf(10) ** 6))
    show("log gamma .3", loggamma(mpf("0.3")))


def sbg(name, active, starts):
    n = len(active) - 1

    def likelihood(a, b):
        total = mpf(0)
        for t in range(1, n + 1):
            total += (active[t - 1] - active[t]) * log(beta(a + 1, b + t - 1) / beta(a, b))
        return total + active[n] * log(beta(a, b + n) / beta(a, b))

    a, b = findroot(lambda a, b: (diff(likelihood, (a, b), (1, 0)),
                                  diff(likelihood, (a, b), (0, 1))), starts)
    h = [[diff(likelihood, (a, b), d) for d in row]
         for row in (((2, 0), (1, 1)), ((1, 1), (0, 2)))]
    det = h[0][0] * h[1][1] - h[0][1] ** 2
    show(f"{name}: a, b, LL", a, b, likelihood(a, b))
    show("  se a, se b, corr", sqrt(-h[1][1] / det), sqrt(-h[0][0] / det),
         h[0][1] / sqrt(h[0][0] * h[1][1]))
    show("  LL(1, 1)", likelihood(mpf(1), mpf(1)))
    show("  S(1) … S(12) %", *(100 * beta(a, b + t) / beta(a, b) for t in range(1, 13)))


def discounts():
    a, b, d = mpf("0.668"), mpf("3.806"), mpf("0.1")
    show("DEL d=.1 .01 .001", *(hyp2f1(1, b, a + b, 1 / (1 + mpf(x))) for x in ("0.1", "0.01",
                                                                               "0.001")))
    for n in (1, 2, 5):
        series = nsum(lambda t: beta(a, b + n + t) / beta(a, b + n - 1) / (1 + d) ** t, [0, inf])
        show(f"DERL n={n} (series)", series)


def bg_nbd():
    for name, p in (("published", ("0.243", "4.414", "0.793", "2.426")),
                    ("fitted", ("0.242593", "4.413532", "0.792886", "2.425753"))):
        r, alpha, a, b = map(mpf, p)

        def bracket(x, t, age):
            z = t / (alpha + age + t)
            direct = ((alpha + age) / (alpha + age + t)) ** (r + x)
            return (a + b + x - 1) / (a - 1) * (1 - direct * hyp2f1(r + x, b + x, a + b + x - 1, z))

        def alive(x, recency, age):
            odds = a / (b + x - 1) * ((alpha + age) / (alpha + recency)) ** (r + x)
            return 1 / (1 + odds) if x else mpf(1)

        def probability(x, t):
            z = t / (alpha + t)
            first = beta(a, b + x) / beta(a, b) * gamma(r + x) / gamma(r) / gamma(x + 1) \
                * (1 - z) ** r * z ** x
            if x == 0:
                return first
            below = sum(gamma(r + j) / gamma(r) / gamma(j + 1) * z ** j for j in range(x))
            return first + beta(a + 1, b + x - 1) / beta(a, b) * (1 - (1 - z) ** r * below)

        age, t = mpf("38.86"), mpf(39)
        show(f"{name}: alive, E[Y] (2, 30.43)", alive(2, mpf("30.43"), age),
             bracket(2, t, age) * alive(2, mpf("30.43"), age))
        show("  (0, 0), (1, 1.71)", bracket(0, t, age), alive(1, mpf("1.71"), age),
             bracket(1, t, age) * alive(1, mpf("1.71"), age))
        show("  bracket x = 29 400 2000", *(bracket(x, t, age) for x in (29, 400, 2000)))
        show("  E[X(t)]", *(bracket(0, mpf(s), 0) for s in ("0.1429", "1", "3", "31.8571", "32",
                                                           "78")))
        show("  P(X(39)=0) P(X(2)=10) P(X(30)=11)", probability(0, mpf(39)),
             probability(10, mpf(2)), probability(11, mpf(30)))


if __name__ == "__main__":
    special()
    sbg("high end", [1000, 869, 743, 653, 593, 551, 517, 491], (0.67, 3.8))
    sbg("high end, 4 years", [1000, 869, 743, 653, 593], (1.28, 7.8))
    sbg("regular", [1000, 631, 468, 382, 326, 289, 262, 241], (0.7, 1.18))
    discounts()
    bg_nbd()
