#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints tests/data/design_cases.txt: random sampling designs and what estimates must say.

    design_cases.py [seed [cases]]        (needs mpmath; reference/designs.R checks them with R)

The slow obvious program: the influence of every row of the whole sample, 0 outside of the group,
summed over the units of each stage as the sample was drawn, in exact fractions; only square roots
and quantiles are rounded, at 40 digits. Copies (freq) are made one by one. The file's lines are
described in tests/test_metric_cases.c."""
import random
import sys
from fractions import Fraction as Q

from mpmath import isinf, mp, mpf, nstr

from metric_cases import adjusted_wald, num, root, t_quantile, wilson

NAN = mpf("nan")


# ---- variances ----------------------------------------------------------------------------

def one_stage(units, population, lonely, centre):
    """(1 - f) n / (n - 1) sum (t - tbar)^2 of the totals of the units that were drawn."""
    n = len(units)
    f = Q(0) if population is None else Q(n) / population
    if f == 1:
        return Q(0)
    if n == 1:
        return (1 - f) * (units[0] - centre) ** 2 if lonely == "adjust" else Q(0)
    mean = sum(units) / n
    return (1 - f) * Q(n, n - 1) * sum((t - mean) ** 2 for t in units)


def grouped(rows, key):
    found = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return [found[k] for k in sorted(found)]


def variance(rows, u, lonely):
    """rows: dicts with h, c, j (None where there is none), N, M; u: influence of each row."""
    for row, x in zip(rows, u):
        row["u"] = x
    clusters = rows[0]["c"] is not None
    strata = grouped(rows, lambda r: r["h"])
    firsts = [[[r] for r in s] if not clusters else grouped(s, lambda r: r["c"]) for s in strata]
    n_first = sum(len(s) for s in firsts)
    centre = sum(u) / n_first
    total = Q(0)
    seconds = [[[r] for r in c] if rows[0]["j"] is None else grouped(c, lambda r: r["j"])
               for s in firsts for c in s]
    centre_2 = sum(u) / sum(len(s) for s in seconds)
    at = iter(seconds)
    for stratum in firsts:
        population = stratum[0][0]["N"]
        total += one_stage([sum(r["u"] for r in c) for c in stratum], population, lonely, centre)
        f = Q(0) if population is None else Q(len(stratum)) / population
        for cluster in stratum:
            units = next(at)
            if clusters and (rows[0]["j"] is not None or rows[0]["M"] is not None):
                total += f * one_stage([sum(r["u"] for r in j) for j in units],
                                       cluster[0]["M"], lonely, centre_2)
    return total


def degrees(rows, inside):
    """Primary units minus strata that have rows of the group."""
    here = [r for r, i in zip(rows, inside) if i]
    strata = {r["h"] for r in here}
    clusters = {(r["h"], r["c"]) for r in here} if rows[0]["c"] is not None else here
    return len(clusters) - len(strata)


def census(rows, row):
    """Were all units drawn from which this row's were?"""
    stratum = [r for r in rows if r["h"] == row["h"]]
    if row["N"] is None:
        return False
    if row["c"] is None:
        return len(stratum) == row["N"]
    mine = [r for r in stratum if r["c"] == row["c"]]
    second = len(mine) if row["j"] is None else len({r["j"] for r in mine})
    if row["j"] is not None or row["M"] is not None:
        if row["M"] is None or second != row["M"]:
            return False
    return len({r["c"] for r in stratum}) == row["N"]


# ---- estimates ----------------------------------------------------------------------------

def half_width(rows, inside, var):
    """Of the t(df) limits of a mean, a ratio or a total."""
    if all(census(rows, r) for r, i in zip(rows, inside) if i):
        return mpf(0)
    df = degrees(rows, inside)
    return root(var) * t_quantile(df) if df > 0 else NAN


def effective(rows, inside, v, var, n, df, kish):
    """n_a of the intervals; None: unknown."""
    here = [r for r, i in zip(rows, inside) if i]
    if all(census(rows, r) for r in here):
        return mpf("inf")
    first = rows[0]
    simple = first["c"] is None and first["simple"] and first["N"] is not None
    if simple:
        return num(n / (1 - len(rows) / first["N"]))
    if df <= 0:
        return None  # units without degrees of freedom tell nothing of their variance
    if v > 0 and var == 0:
        return mpf(n)
    if v > 0 and n > 1:
        n_d = num(v) / num(var)
        n_a = n_d * (t_quantile(n - 1) / t_quantile(df)) ** 2 if df != n - 1 else n_d
        return min(mpf(n), n_a)
    return min(num(kish), mpf(n))


def mean_like(kind, rows, inside, y, lonely):
    """kind: mean, share, net; y: None where there is no answer. value, se, limits."""
    used = [i and v is not None and r["w"] > 0 for r, i, v in zip(rows, inside, y)]
    n = sum(used)
    if n == 0:
        return 0, NAN, NAN, NAN, NAN
    W = sum(r["w"] for r, k in zip(rows, used) if k)
    theta = sum(r["w"] * v for r, k, v in zip(rows, used, y) if k) / W
    u = [r["w"] * (v - theta) / W if k else Q(0) for r, k, v in zip(rows, used, y)]
    var = variance(rows, u, lonely)
    df = degrees(rows, inside)
    kish = W ** 2 / sum(r["w"] ** 2 for r, k in zip(rows, used) if k)
    if kind == "mean":
        half = half_width(rows, inside, var)
        return n, num(theta), root(var), num(theta) - half, num(theta) + half
    v = sum(r["w"] * (x - theta) ** 2 for r, k, x in zip(rows, used, y) if k) / W
    n_a = effective(rows, inside, v, var, n, df, kish)
    if n_a is not None and isinf(n_a):
        scale = 1 if kind == "share" else 100
        return n, scale * num(theta), scale * root(var), scale * num(theta), scale * num(theta)
    if kind == "share":
        limits = wilson(theta, n_a) if n_a is not None else (NAN, NAN)
        return n, num(theta), root(var), *limits
    shares = [sum(r["w"] for r, k, x in zip(rows, used, y) if k and x == s) / W
              for s in (-1, 0, 1)]
    limits = adjusted_wald(*(num(s) * n_a for s in shares)) if n_a is not None else (NAN, NAN)
    return n, 100 * num(theta), 100 * root(var), *limits


def linear(rows, inside, top, bottom, lonely):
    """A ratio of totals, or a total where bottom is None."""
    used = [i and a is not None and (bottom is None or bottom[k] is not None) and rows[k]["w"] > 0
            for k, (i, a) in enumerate(zip(inside, top))]
    n = sum(used)
    if n == 0:
        return 0, NAN, NAN, NAN, NAN
    above = sum(r["w"] * a for r, k, a in zip(rows, used, top) if k)
    if bottom is None:
        value, u = above, [r["w"] * a if k else Q(0) for r, k, a in zip(rows, used, top)]
    else:
        below = sum(r["w"] * b for r, k, b in zip(rows, used, bottom) if k)
        value = above / below
        u = [r["w"] * (a - value * b) / below if k else Q(0)
             for r, k, a, b in zip(rows, used, top, bottom)]
    var = variance(rows, u, lonely)
    half = half_width(rows, inside, var)
    return n, num(value), root(var), num(value) - half, num(value) + half


# ---- random designs -----------------------------------------------------------------------

def make_rows(rng, shape):
    """shape: letters s strata, c clusters, j second stage, N and M populations, w weights, f."""
    rows, lonely = [], rng.random() < .25
    for h in range(rng.randint(2, 4) if "s" in shape else 1):
        n_c = rng.randint(2, 4) if "c" in shape else 1
        if lonely and h == 1:
            n_c = 1
        first = []
        for c in range(n_c):
            second = []
            n_j = rng.randint(1 if lonely else 2, 3) if "j" in shape else 1
            for j in range(n_j):
                n_rows = rng.randint(2, 5) if "c" not in shape or "j" not in shape else \
                    rng.randint(1, 3)
                if lonely and h == 1 and "c" not in shape:
                    n_rows = 1
                second += [{"h": h if "s" in shape else 0, "c": c if "c" in shape else None,
                            "j": j if "j" in shape else None} for _ in range(n_rows)]
            units = len({r["j"] for r in second}) if "j" in shape else len(second)
            M = Q(units + rng.randint(0, 6)) if "M" in shape else None
            for r in second:
                r["M"] = M
            first += second
        units = n_c if "c" in shape else len(first)
        N = Q(units + rng.choice([0, 1, 3, 10, 1000])) if "N" in shape else None
        for r in first:
            r["N"] = N
            r["w"] = Q(rng.choice([1, 2, 3, 10, .5, .25, 7.125])) if "w" in shape else Q(1)
            if "w" in shape and rng.random() < .05:
                r["w"] = Q(0)
        rows += first
    for r in rows:
        r["simple"] = not set(shape) & set("scw")
    if "f" in shape and "N" not in shape and "M" not in shape:
        for r in rows:
            r["copies"] = rng.randint(0, 3)
    return rows


def words(values):
    return ["-" if v is None else (str(v) if isinstance(v, (int, str)) else repr(float(v)))
            for v in values]


def case(rng, number):
    shape = rng.choice(["s", "c", "sc", "scN", "sN", "N", "scj", "scjN", "scjNM", "scNM", "cNM",
                        "scN", "sc"]) + rng.choice(["w", "w", ""]) + rng.choice(["", "", "b", "f"])
    metric = rng.choice(["nps", "nps", "mean", "ratio", "total"])
    rows = make_rows(rng, shape)
    rng.shuffle(rows)
    copies = [r.get("copies", 1) for r in rows]
    for r in rows:
        r["by"] = rng.randint(1, 3) if "b" in shape else 0
        r["y"] = rng.choice([None] + [0, 3, 6, 7, 8, 9, 10, 10] * 2)
        r["x"] = rng.choice([None] + [1, 2, 2.5, 4] * 4)
    out = [f"case design-{number}-{metric}-{shape} {metric}"]
    lonely = rng.choice(["certainty", "adjust"])
    out.append(f"lonely {lonely}")

    def column(role, kind, values):
        out.append(" ".join([f"column {role} {kind}", *words(values)]))

    if "s" in shape:
        column("strata", "strings", [f"h{r['h']}" for r in rows])
    if "c" in shape:
        column("cluster", "i32", [7 - r["c"] for r in rows])
    if "j" in shape:
        column("cluster", "f64", [r["j"] for r in rows])
    if "N" in shape:
        column("fpc", "i32", [int(r["N"]) for r in rows])
    if "M" in shape:
        column("fpc", "f64", [r["M"] for r in rows])
    if "w" in shape:
        column("weight", "f64", [r["w"] for r in rows])
    if "b" in shape:
        column("by", "i16", [r["by"] for r in rows])
    if "f" in shape:
        column("freq", "i16", copies)
    column("numerator" if metric == "ratio" else "score" if metric == "nps" else "value", "f64",
           [r["y"] for r in rows])
    if metric == "ratio":
        column("denominator", "f64", [r["x"] for r in rows])
    full = [dict(r) for r, k in zip(rows, copies) for _ in range(k)]
    if not full:
        return []
    groups = sorted({r["by"] for r in full}) if "b" in shape else []
    for place, group in [("total", None)] + [(str(i), g) for i, g in enumerate(groups)]:
        inside = [group is None or r["by"] == group for r in full]
        y = [None if r["y"] is None else Q(r["y"]) for r in full]
        x = [None if r["x"] is None else Q(r["x"]) for r in full]
        count = sum(inside)
        lost = [i and (a is None or (metric == "ratio" and b is None))
                for i, a, b in zip(inside, y, x)]
        if metric == "nps":
            got = {
                "nps": mean_like("net", full, inside,
                                 [None if a is None else (a >= 9) - (a <= 6) for a in y], lonely),
                "promoters": mean_like("share", full, inside,
                                       [None if a is None else Q(a >= 9) for a in y], lonely),
                "mean": mean_like("mean", full, inside, y, lonely),
            }
        elif metric == "mean":
            got = {"mean": mean_like("mean", full, inside, y, lonely)}
        else:
            got = {metric: linear(full, inside, y, x if metric == "ratio" else None, lonely)}
        for measure, (n, *numbers) in got.items():
            base = (n, sum(lost), 0, count - n - sum(lost))
            out.append(" ".join(["want", measure, place, *map(str, base),
                                 *(nstr(v, 20) for v in numbers), "1e-11"]))
    out.append("end")
    return out


def main():
    mp.dps = 40
    seed, count = (int(a) for a in (sys.argv[1:] + ["1", "150"][len(sys.argv) - 1:]))
    rng = random.Random(seed)
    print("# SPDX-License-Identifier: GPL-3.0-or-later")
    print(f"# From tests/reference/design_cases.py {seed} {count}.")
    for number in range(count):
        for line in case(rng, number):
            print(line)


if __name__ == "__main__":
    main()
