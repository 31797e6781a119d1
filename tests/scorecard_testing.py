# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the scorecard share: running it, and the slow obvious arithmetic.

The expected numbers are computed here from the CSV files with exact fractions, apart from the
library; only the square roots at the end are floating point.
"""
import csv
import json
import math
import os
import subprocess
import sys
import unittest
from fractions import Fraction

Z = 1.959963984540054
PROGRAM = ""


def run(*arguments, cwd=None, env=None, check=True):
    """Runs the scorecard; returns (status, stdout, stderr) as text."""
    settings = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "COLUMNS": "140"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LD_LIBRARY_PATH"):
        if name in os.environ:
            settings[name] = os.environ[name]
    settings.update(env or {})
    done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=cwd, env=settings, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    out, err = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    if check and done.returncode != 0:
        raise AssertionError(f"status {done.returncode}: {err}")
    return done.returncode, out, err


def rows_of(*arguments, **keywords):
    return [json.loads(line) for line in run("--json", *arguments, **keywords)[1].splitlines()]


def find(rows, section, measure=None, **keys):
    """The row of a section with these keys; without keys the total."""
    names = {"section", "metric", "measure", "group"}
    found = [row for row in rows if row["section"] == section
             and (measure is None or row["measure"] == measure)
             and {k: v for k, v in row.items() if k in keys} == keys
             and (row["group"] is None) == (not keys or list(keys.values()) == [None])
             and (keys or list(row)[0] == "group")
             and (not keys or list(row)[:len(keys) + 1] == [*keys, "group"])]
    assert len(found) == 1, (section, measure, keys, names, len(found))
    return found[0]


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def numbers(rows, column, low, high, missing):
    """[(value, row)], number missing, number invalid: whole numbers in low ... high."""
    good, n_missing, n_invalid = [], 0, 0
    for row in rows:
        text = row[column]
        if text == "" or text in missing:
            n_missing += 1
            continue
        try:
            value = Fraction(text)
        except ValueError:
            n_invalid += 1
            continue
        if value.denominator != 1 or not low <= value <= high:
            n_invalid += 1
            continue
        good.append((int(value), row))
    return good, n_missing, n_invalid


def weighted_nps(answers, weight, promoter=9, detractor=6):
    total = sum(weight(row) for _, row in answers)
    net = sum(weight(row) * ((v >= promoter) - (v <= detractor)) for v, row in answers)
    return 100 * Fraction(net) / total


def adjusted_nps(promoters, passives, detractors):
    """Value and adjusted Wald limits of an unweighted NPS, clipped."""
    n = promoters + passives + detractors
    p, d, m = promoters + Fraction(3, 4), detractors + Fraction(3, 4), n + 3
    centre = (p - d) / m
    error = math.sqrt(((p + d) / m - centre * centre) / m)
    return (float(Fraction(100 * (promoters - detractors), n)),
            max(-100.0, 100 * (float(centre) - Z * error)),
            min(100.0, 100 * (float(centre) + Z * error)))


def wilson(x, n):
    p, zz = x / n, Z * Z
    centre = (p + zz / (2 * n)) / (1 + zz / n)
    half = Z * math.sqrt(p * (1 - p) / n + zz / (4 * n * n)) / (1 + zz / n)
    return p, 0.0 if x == 0 else centre - half, 1.0 if x == n else centre + half


def mean_and_error(values):
    """Mean and its standard error, n - 1, from exact sums."""
    n, total = len(values), sum(values)
    mean = Fraction(total) / n
    squares = sum((v - mean) ** 2 for v in values)
    return float(mean), math.sqrt(squares / (n - 1) / n)


class Case(unittest.TestCase):
    def near(self, got, want, tolerance=1e-10):
        self.assertIsNotNone(got)
        if abs(got - want) > tolerance * max(1.0, abs(want)):
            raise AssertionError(f"{got!r} is not {want!r}")

    def interval(self, row, want):
        for name, expected in zip(("value", "lower", "upper"), want):
            self.near(row[name], expected)

    def base(self, row, n, missing, invalid, excluded=0):
        self.assertEqual([row[k] for k in ("n", "missing", "invalid", "excluded")],
                         [n, missing, invalid, excluded])


def main(*cases):
    """Runs the cases and reports like cmocka, so that each test is counted."""
    suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(case)
                               for case in cases)
    result = unittest.TextTestRunner(verbosity=1, stream=sys.stdout).run(suite)
    bad = result.failures + result.errors
    print(f"[  PASSED  ] {result.testsRun - len(bad)} test(s).")
    for test, _ in bad:
        print(f"[  FAILED  ] {test.id().split('.')[-1]}")
    return 0 if result.wasSuccessful() else 1
