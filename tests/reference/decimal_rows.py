#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints tests/data/decimal_rows.h: decimals and their nearest doubles. Python's true division
of fractions rounds correctly."""
import random
from fractions import Fraction

random.seed(1)


def rows():
    for integer in (0, 1, -1, 10, 1999, 2**53, 2**53 + 1, 2**63, 2**127 - 1, -(2**127)):
        for scale in (0, 2, 22, 23, 38, 76, -2, -38, -76):
            yield integer, scale
    for scale in (1, 2, 18, 30, 38):
        for _ in range(3):  # halfway between two doubles, and just beside it
            half = (2 * random.getrandbits(52) + 2**53 + 1) * 2**10
            for beside in (-1, 0, 1):
                if half * 10**scale + beside < 2**127:
                    yield half * 10**scale + beside, scale
    for _ in range(150):
        yield random.getrandbits(random.randint(50, 127)) * random.choice((1, -1)), \
            random.randint(-20, 40)


print("/* SPDX-License-Identifier: GPL-3.0-or-later */")
print("/* integer (high and low word), scale, nearest double; from tests/reference/decimal_rows.py */")
for integer, scale in rows():
    bits = integer % 2**128
    value = Fraction(integer) / Fraction(10) ** scale
    nearest = value.numerator / value.denominator
    print(f"{{ {bits >> 64:#x}, {bits % 2**64:#x}, {scale}, {nearest.hex()} }},")
