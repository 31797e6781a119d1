#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints tests/data/finite_rows.h: exact limits of a share in a finite list.

    finite_rows.py                                  (standard library only; half a minute)

For every row { successes, n, population, level, fewest, most }: the fewest and the most marked
customers in the list that a one-sided hypergeometric test at (1 - level) / 2 does not refuse.
Probabilities are quotients of whole numbers, every count is tried by bisection, and nothing is
rounded before the comparison."""
import random
from fractions import Fraction
from math import comb


def at_least(x, n, marked, population):
    """P(X >= x), exactly; the shorter sum of the two."""
    first, last = max(0, n + marked - population), min(n, marked)
    if x <= first:
        return Fraction(1)
    below = x - first <= last - x
    ks = range(first, x) if below else range(x, last + 1)
    if not len(ks):
        return Fraction(0)
    k = ks[0]
    term = comb(marked, k) * comb(population - marked, n - k)
    total = 0
    for k in ks:
        total += term
        term = term * (marked - k) * (n - k)
        term //= (k + 1) * (population - marked - n + k + 1) or 1
    part = Fraction(total, comb(population, n))
    return 1 - part if below else part


def fewest(x, n, population, tail):
    low, high = x - 1, population - (n - x)
    while high - low > 1:
        half = (low + high) // 2
        if at_least(x, n, half, population) > tail:
            high = half
        else:
            low = half
    return high


def row(x, n, population, level):
    tail = (1 - Fraction(level)) / 2
    low = fewest(x, n, population, tail)
    high = population - fewest(n - x, n, population, tail)
    print(f"{{ {x}, {n}, {population}, {level}, {low}, {high} }},")


def main():
    print("/* tests/reference/finite_rows.py: whole numbers. */")
    row(120, 200, 1000, "0.95")
    draw = random.Random(20250101)
    for population in (2, 3, 10, 40, 41, 100, 1000, 5000):
        for level in ("0.8", "0.95", "0.999"):
            for _ in range(5):
                n = draw.randint(1, population)
                x = draw.choice([0, n, draw.randint(0, n), min(n, 1), n - 1])
                row(x, n, population, level)
    row(450, 500, 20000, "0.95")
    row(3, 2000, 50000, "0.95")
    row(2999, 3000, 1000000, "0.95")
    row(1500, 3000, 1000000, "0.99")


if __name__ == "__main__":
    main()
