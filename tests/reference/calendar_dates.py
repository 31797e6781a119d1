#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the expected hash of test_calendar.c: the first days of the week, month, quarter and
year of 20000 dates between the years 1 and 9999, from Python's datetime."""
from datetime import date, timedelta

EPOCH = date(1970, 1, 1).toordinal()
FIRST = date(1, 1, 8).toordinal()      # the week of 1 January of year 1 begins before
DAYS = date(9999, 12, 31).toordinal() - FIRST
MASK = 2**64 - 1

h = 0xCBF29CE484222325
for i in range(20000):
    d = date.fromordinal(FIRST + i * 7919 % DAYS)
    for first in (
        d - timedelta(days=d.weekday()),
        d.replace(day=1),
        d.replace(month=(d.month - 1) // 3 * 3 + 1, day=1),
        d.replace(month=1, day=1),
    ):
        h = ((h ^ ((first.toordinal() - EPOCH) & MASK)) * 0x100000001B3) & MASK
print(f"first day {FIRST - EPOCH}, days {DAYS}, hash {h:#x}")
