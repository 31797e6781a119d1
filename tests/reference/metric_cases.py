#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints tests/data/metric_cases.txt: random small data sets and what every metric must say.

    metric_cases.py [seed [cases of each metric]]        (needs mpmath)

The slow obvious program: each row is looked at by itself, copies (freq) are made one by one,
standard errors come from the influence of every row, all in exact fractions; only square roots
and quantiles are rounded, at 40 digits. Rows of weight 0 are excluded. Without weights the error
of NPS and of shares has divisor n, of means n - 1; with weights all are linearised, n - 1.
What the file holds is described in tests/test_metric_cases.c."""
import random
import sys
from fractions import Fraction as Q
from functools import lru_cache

from mpmath import betainc, erfinv, findroot, mp, mpf, nstr, sqrt as mp_sqrt

mp.dps = 40
LEVEL = mpf("0.95")
MISSING, INVALID, USED = "missing", "invalid", "used"


# ---- quantiles and intervals --------------------------------------------------------------

def num(x):
    return mpf(x.numerator) / x.denominator if isinstance(x, Q) else mpf(x)


def root(x):
    return mp_sqrt(num(x))


Z = mp_sqrt(2) * erfinv(mpf(0.95))       # the level is the double 0.95


@lru_cache(None)
def t_quantile(df):
    """Two-sided: P(|T| > t) = I_{df / (df + t^2)}(df / 2, 1 / 2)."""
    tail = 1 - mpf(0.95)

    def excess(t):
        return betainc(mpf(df) / 2, mpf(1) / 2, 0, df / (df + t * t), regularized=True) - tail

    low, high = mpf(1), mpf(2)
    while excess(high) > 0:
        high *= 2
    return findroot(excess, (low, high), solver="anderson")


def wilson(p, n):
    p, n = num(p), num(n)
    centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * mp_sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    lower = mpf(0) if p == 0 else centre - half
    upper = mpf(1) if p == 1 else centre + half
    return lower, upper


def adjusted_wald(detractors, passives, promoters):
    d, p, r = (num(detractors) + mpf("0.75"), num(passives) + mpf("1.5"),
               num(promoters) + mpf("0.75"))
    n = d + p + r
    value = (r - d) / n
    half = Z * mp_sqrt(((r + d) / n - value * value) / n)
    return 100 * (value - half), 100 * (value + half)


# ---- estimates from rows of (weight, y), copies made --------------------------------------

NAN = mpf("nan")


class Sample:
    """The used rows of one unit of one group, and how many others there were."""

    def __init__(self, weighted):
        self.weighted, self.rows = weighted, []
        self.missing = self.invalid = self.excluded = 0

    def put(self, state, row, copies):
        if state == MISSING:
            self.missing += copies
        elif state == INVALID:
            self.invalid += copies
        elif state == USED:
            self.rows += [row] * copies
        else:
            self.excluded += copies

    @property
    def n(self):
        return len(self.rows)

    def base(self):
        return self.n, self.missing, self.invalid, self.excluded


def mean_of(rows):
    total = sum(w for w, _ in rows)
    return sum(w * y for w, y in rows) / total


def variance_of_influences(u):
    """n / (n - 1) sum (u - mean u)^2"""
    n = len(u)
    if n < 2:
        return None
    centre = sum(u) / n
    return Q(n, n - 1) * sum((x - centre) ** 2 for x in u)


def t_limits(value, error, n):
    if error is NAN:
        return NAN, NAN
    half = t_quantile(n - 1) * error
    return num(value) - half, num(value) + half


def estimate_mean(rows, factor=Q(1), offset=Q(0)):
    if not rows:
        return NAN, NAN, NAN, NAN
    total = sum(w for w, _ in rows)
    m = mean_of(rows)
    v = variance_of_influences([w * (y - m) / total for w, y in rows])
    value = offset + factor * m
    error = NAN if v is None else abs(num(factor)) * root(v)
    return (num(value), error) + t_limits(value, error, len(rows))


def effective(rows, variance):
    """n_d = v / se^2, at most n; Kish's where the variance is 0."""
    total = sum(w for w, _ in rows)
    kish = total ** 2 / sum(w * w for w, _ in rows)
    m = mean_of(rows)
    v = variance_of_influences([w * (y - m) / total for w, y in rows])
    if variance == 0 or not v:
        return min(kish, Q(len(rows)))
    return min(variance / v, Q(len(rows)))


def estimate_share(rows, weighted):
    if not rows:
        return NAN, NAN, NAN, NAN
    p, n = mean_of(rows), len(rows)
    if not weighted:
        return (num(p), root(p * (1 - p) / n)) + wilson(p, n)
    error = estimate_mean(rows)[1]
    return (num(p), error) + wilson(p, effective(rows, p * (1 - p)))


def estimate_net(rows, weighted):
    if not rows:
        return NAN, NAN, NAN, NAN
    n, m = len(rows), mean_of(rows)
    total = sum(w for w, _ in rows)
    shares = [sum(w for w, y in rows if y == c) / total for c in (-1, 0, 1)]
    variance = shares[0] + shares[2] - m * m
    if weighted:
        error, n = estimate_mean(rows, Q(100))[1], effective(rows, variance)
    else:
        error = 100 * root(variance / n)
    return (100 * num(m), error) + adjusted_wald(*(n * s for s in shares))


def estimate_sd(rows):
    if len(rows) < 2:
        return NAN, NAN, NAN, NAN
    total, m, n = sum(w for w, _ in rows), mean_of(rows), len(rows)
    s2 = Q(n, n - 1) * sum(w * (y - m) ** 2 for w, y in rows) / total
    return root(s2), NAN, NAN, NAN


def estimate_total(rows):
    if not rows:
        return NAN, NAN, NAN, NAN
    value = sum(w * y for w, y in rows)
    v = variance_of_influences([w * y for w, y in rows])
    error = NAN if v is None else root(v)
    return (num(value), error) + t_limits(value, error, len(rows))


def estimate_ratio(rows):
    below = sum(w * x for w, (_, x) in rows)
    if not rows or below == 0:
        return NAN, NAN, NAN, NAN
    ratio = sum(w * y for w, (y, _) in rows) / below
    v = variance_of_influences([w * (y - ratio * x) / below for w, (y, x) in rows])
    error = NAN if v is None else root(v)
    return (num(ratio), error) + t_limits(ratio, error, len(rows))


def importance_index(rows, offset=Q(0), factor=Q(1)):
    """sum Ibar Sbar / sum Ibar; influence of a row by the derivative of that ratio."""
    if not rows:
        return NAN, NAN, NAN, NAN
    total, k = sum(w for w, _ in rows), len(rows[0][1][0])
    bar = [[sum(w * r[side][i] for w, r in rows) / total for i in range(k)] for side in (0, 1)]
    weight = sum(bar[0])
    if weight == 0:
        return NAN, NAN, NAN, NAN
    theta = sum(i * s for i, s in zip(*bar)) / weight
    u = [w / total * sum((r[0][i] - bar[0][i]) * (bar[1][i] - theta)
                         + bar[0][i] * (r[1][i] - bar[1][i]) for i in range(k)) / weight
         for w, r in rows]
    v = variance_of_influences(u)
    error = NAN if v is None else abs(num(factor)) * root(v)
    value = offset + factor * theta
    return (num(value), error) + t_limits(value, error, len(rows))


# ---- random columns -----------------------------------------------------------------------

INTEGERS = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"]


def text(x):
    """A cell; doubles by repr, so that reading gives the same double."""
    return "-" if x is None else repr(x) if isinstance(x, float) else str(x)


class Case:
    def __init__(self, rng, metric, name):
        self.rng, self.metric, self.name, self.lines = rng, metric, name, []
        self.n = rng.choice([1, 2, 3, 5, 8, 12, 16])
        kind = rng.randrange(4)
        self.weighted = kind in (1, 3)
        self.weights = [Q(1)] * self.n
        self.freq = [1] * self.n
        if self.weighted:
            style = rng.randrange(3)
            w = [rng.choice([0.0, 0.25, 1.0, 1.5, 3.0]) if style == 0 else
                 rng.uniform(0.1, 5) if style == 1 else
                 10.0 ** rng.randrange(-3, 4) for _ in range(self.n)]
            self.column("weight", "f64", w)
            self.weights = [Q(x) for x in w]
        if kind in (2, 3):
            self.freq = [rng.choice([0, 1, 1, 2, 3, 7]) for _ in range(self.n)]
            self.column("freq", rng.choice(INTEGERS), self.freq)
        self.keys = [0] * self.n
        self.grouped = rng.random() < 0.4
        if self.grouped:
            self.keys = [rng.choice([None, 1, 2, 3]) for _ in range(self.n)]
            self.column("by", rng.choice(INTEGERS), self.keys)

    def column(self, role, kind, values):
        self.lines.append(" ".join(["column", role, kind] + [text(v) for v in values]))

    def param(self, kind, name, *values):
        self.lines.append(" ".join([kind, name] + [text(v) for v in values]))

    def ratings(self, role, low, high, clean=False):
        """A column of ratings; returns (state, value) of each row."""
        rng, bad = self.rng, [] if clean else [low - 1, high + 1]
        kinds = [k for k in INTEGERS if low > 0 or k[0] == "i"] + ["f32", "f64"]
        kind = rng.choice(kinds)
        same = rng.random() < 0.1
        answers = range(low, high + 1)
        values = [rng.choice([low] if same else list(answers)) for _ in range(self.n)]
        for i in range(self.n):
            if rng.random() < 0.15:
                values[i] = None
            elif bad and rng.random() < 0.1:
                values[i] = rng.choice(bad)
        if kind[0] == "f":
            values = [None if v is None else float(v) for v in values]
        self.column(role, kind, values)
        return [(MISSING, None) if v is None else
                (USED, Q(v)) if low <= v <= high else (INVALID, None) for v in values]

    def flags(self, role, clean=False):
        rng, kind = self.rng, self.rng.choice(["bool", "u8", "i32", "f64"])
        values = [rng.choice([0, 1, 1]) for _ in range(self.n)]
        for i in range(self.n):
            if rng.random() < 0.15:
                values[i] = None
            elif kind != "bool" and not clean and rng.random() < 0.1:
                values[i] = 2
        self.column(role, kind, values)
        return [(MISSING, None) if v is None else (INVALID, None) if v == 2 else
                (USED, Q(v)) for v in values]

    def reals(self, role, positive=False):
        rng = self.rng
        kind = rng.choice(["f64", "f64", "i16", "i64"])
        shift = rng.choice([0, 0, 1000000])
        if kind == "f64":
            values = [rng.uniform(0.5 if positive else -20, 20) + shift for _ in range(self.n)]
        else:
            shift = 0 if kind == "i16" else shift
            values = [rng.randrange(1 if positive else -9, 10) + shift for _ in range(self.n)]
        values = [None if rng.random() < 0.15 else v for v in values]
        if kind == "f64" and not positive and rng.random() < 0.2:
            values[rng.randrange(self.n)] = float("inf")
        self.column(role, kind, values)
        return [(MISSING, None) if v is None else (INVALID, None) if v == float("inf") else
                (USED, Q(v)) for v in values]

    def groups(self):
        """(name, rows of it) of the total and of each group."""
        out = [("total", range(self.n))]
        if self.grouped:
            present = {k for k, f in zip(self.keys, self.freq) if f > 0}
            order = sorted(k for k in present if k is not None)
            order += [None] if None in present else []
            for g, key in enumerate(order):
                out.append((str(g), [i for i in range(self.n) if self.keys[i] == key]))
        return out

    def sample(self, rows, states):
        """states: (state, value) of every row."""
        s = Sample(self.weighted)
        for i in rows:
            state, value = states[i]
            if state == USED and self.weights[i] == 0:
                state = "zero weight"
            s.put(state, (self.weights[i], value), self.freq[i])
        return s

    def want(self, measure, states, estimate, tolerance="1e-12"):
        for group, rows in self.groups():
            s = self.sample(rows, states)
            got = estimate(s.rows)
            got = [g if isinstance(g, str) else nstr(g, 20) for g in got]
            self.lines.append(" ".join(["want", measure, group] + [str(b) for b in s.base()]
                                       + got + [tolerance]))

    def show(self):
        print("case", self.name, self.metric)
        for line in self.lines:
            print(line)
        print("end")


def mapped(states, f):
    return [(s, f(v)) if s == USED else (s, v) for s, v in states]


def first_bad(*states):
    """The state of several answers together: the values when all are used."""
    if any(s == INVALID for s, _ in states):
        return INVALID, None
    if any(s == MISSING for s, _ in states):
        return MISSING, None
    return USED, tuple(v for _, v in states)


# ---- metrics ------------------------------------------------------------------------------

def rating_case(c, low, high):
    rows = c.ratings("score", low, high)
    share = lambda r: estimate_share(r, c.weighted)
    for k in (low, high):
        c.want(f"share[{k}]", mapped(rows, lambda v: Q(v == k)), share)
    return rows, share


def nps(c):
    low, high, promoter, detractor = c.rng.choice(
        [(0, 10, 9, 6), (1, 10, 9, 6), (1, 5, 5, 3), (1, 7, 7, 5), (-2, 2, 1, 0)])
    c.param("numbers", "scale", low, high)
    c.param("numbers", "promoter", promoter)
    c.param("numbers", "detractor", detractor)
    rows, share = rating_case(c, low, high)
    c.want("nps", mapped(rows, lambda v: Q((v >= promoter) - (v <= detractor))),
           lambda r: estimate_net(r, c.weighted))
    c.want("promoters", mapped(rows, lambda v: Q(v >= promoter)), share)
    c.want("passives", mapped(rows, lambda v: Q(detractor < v < promoter)), share)
    c.want("detractors", mapped(rows, lambda v: Q(v <= detractor)), share)
    c.want("mean", rows, estimate_mean)


def csat(c):
    low, high, satisfied = c.rng.choice([(1, 5, 4), (1, 10, 8), (1, 7, 6), (0, 1, 1), (1, 4, 3)])
    c.param("numbers", "scale", low, high)
    c.param("numbers", "satisfied", satisfied)
    rows, share = rating_case(c, low, high)
    c.want("csat", mapped(rows, lambda v: Q(v >= satisfied)), share)
    c.want("top", mapped(rows, lambda v: Q(v == high)), share)
    c.want("top2", mapped(rows, lambda v: Q(v >= high - 1)), share)
    c.want("bottom2", mapped(rows, lambda v: Q(v <= low + 1)), share)
    c.want("net", mapped(rows, lambda v: Q((v >= high - 1) - (v <= low + 1))),
           lambda r: estimate_net(r, c.weighted))
    c.want("mean", rows, estimate_mean)
    c.want("index", mapped(rows, lambda v: 100 * (v - low) / (high - low)), estimate_mean)


def ces(c):
    low, high = c.rng.choice([(1, 7), (1, 5), (1, 6), (0, 10)])
    easy = c.rng.choice([1, 1, 0])
    c.param("numbers", "scale", low, high)
    c.param("numbers", "high_is_easy", easy)
    rows, share = rating_case(c, low, high)
    middle, sign = Q(low + high, 2), 1 if easy else -1
    side = lambda v: sign * ((v > middle) - (v < middle))
    c.want("ces", rows, estimate_mean)
    c.want("easy", mapped(rows, lambda v: Q(side(v) == 1)), share)
    c.want("difficult", mapped(rows, lambda v: Q(side(v) == -1)), share)
    c.want("net", mapped(rows, lambda v: Q(side(v))), lambda r: estimate_net(r, c.weighted))
    c.want("top2", mapped(rows, lambda v: Q(v >= high - 1 if easy else v <= low + 1)), share)


def mean(c):
    rows = c.reals("value")
    c.want("mean", rows, estimate_mean, "1e-10")
    c.want("sd", rows, estimate_sd, "1e-10")


def total(c):
    c.want("total", c.reals("value"), estimate_total, "1e-10")


def ratio(c):
    above, below = c.reals("numerator"), c.reals("denominator", positive=True)
    c.want("ratio", [first_bad(a, b) for a, b in zip(above, below)], estimate_ratio, "1e-10")


def weighted_count(rows):
    return sum((w * y for w, y in rows), Q(0))


def count(rows):
    return num(weighted_count(rows)), NAN, NAN, NAN


def rate_case(c, name, states):
    c.want(name, states, lambda r: estimate_share(r, c.weighted))
    c.want("successes", states, lambda r: count(r) if r else ("?", "?", "?", "?"))
    c.want("denominator", mapped(states, lambda v: Q(1)),
           lambda r: count(r) if r else ("?", "?", "?", "?"))


def with_denominator(c, yes_role, base_role):
    base = c.flags(base_role, clean=True) if c.rng.random() < 0.6 else None
    yes = c.flags(yes_role, clean=base is not None)
    if base is None:
        return yes
    return [b if b[0] != USED else ("not in denominator", None) if b[1] == 0 else y
            for b, y in zip(base, yes)]


def share(c):
    rate_case(c, "share", with_denominator(c, "numerator", "denominator"))


def fcr(c):
    rate_case(c, "fcr", with_denominator(c, "resolved_first", "eligible"))


def one_touch(c):
    least, most, reopens = c.rng.choice([(0, 1, 0), (1, 1, 0), (0, 2, 1), (0, 0, 0)])
    c.param("numbers", "min_replies", least)
    c.param("numbers", "max_replies", most)
    c.param("numbers", "max_reopens", reopens)
    solved = c.flags("solved", clean=True)
    counts = []
    for role in ("replies", "reopens")[:c.rng.choice([1, 2])]:
        kind = c.rng.choice(["u8", "i32", "f64"])
        values = [c.rng.choice([0, 0, 1, 1, 2, 3, None]) for _ in range(c.n)]
        if kind != "u8" and c.rng.random() < 0.3:
            values[c.rng.randrange(c.n)] = -1
        c.column(role, kind, values)
        counts.append([(MISSING, None) if v is None else (INVALID, None) if v < 0 else (USED, v)
                       for v in values])
    states = []
    for i in range(c.n):
        if solved[i][0] != USED:
            states.append(solved[i])
        elif solved[i][1] == 0:
            states.append(("not in denominator", None))
        else:
            state, v = first_bad(*(column[i] for column in counts))
            ok = state == USED and least <= v[0] <= most and all(x <= reopens for x in v[1:])
            states.append((state, Q(ok)))
    rate_case(c, "one_touch", states)


def retention(c):
    before, after = c.flags("active_before"), c.flags("active_after")
    states = []
    for b, a in zip(before, after):
        state, v = first_bad(b, a)
        states.append((state, v) if state != USED else
                      (USED, v[1]) if v[0] else ("not in denominator", None))
    rate_case(c, "retention", states)


def churn(c):
    before, after = c.flags("active_before"), c.flags("active_after")
    reasons = [c.rng.choice(["price", "fault", "moved", None]) for _ in range(c.n)]
    c.column("reason", "strings", reasons)
    states, why = [], []
    for b, a, r in zip(before, after, reasons):
        state, v = first_bad(b, a)
        if state == USED and not v[0]:
            state = "not in denominator"
        states.append((state, 1 - v[1] if state == USED else None))
        why.append((state, (1 - v[1], r) if state == USED else None))
    rate_case(c, "churn", states)
    # zero weight: the customer is excluded, and its reason is not seen
    lost = {r for (s, v), r, w, f in zip(states, reasons, c.weights, c.freq)
            if s == USED and v == 1 and f > 0 and w > 0}
    for reason in sorted(lost, key=lambda r: (r is None, r)):
        c.want(f"churn[{reason if reason is not None else '(missing)'}]",
               mapped(why, lambda v: Q(v[0] == 1 and v[1] == reason)),
               lambda r: estimate_share(r, c.weighted))


def churn_average(c):
    """Lost over (S + E) / 2: a ratio of two sums over the customers of either end."""
    c.param("texts", "denominator", "average")
    before, after = c.flags("active_before"), c.flags("active_after")
    states = []
    for b, a in zip(before, after):
        state, v = first_bad(b, a)
        if state == USED and v == (0, 0):
            state = "not in denominator"
        states.append((state, (Q(v[0] > v[1]), (v[0] + v[1]) / 2) if state == USED else None))
    c.want("churn", states, estimate_ratio)


def items_mean(answers, weights, partial):
    """Weighted mean of (state, value) with weights (state, value); None: not enough."""
    both = [first_bad(a, w) for a, w in zip(answers, weights)]
    known = sum((w for s, w in weights if s == USED), Q(0))
    answered = sum((v[1] for s, v in both if s == USED), Q(0))
    complete = all(s == USED for s, _ in both)
    if not complete and (partial == "listwise" or 2 * answered < known) or answered == 0:
        return (INVALID if any(s == INVALID for s, _ in both) else MISSING), None
    return USED, sum(v[0] * v[1] for s, v in both if s == USED) / answered


def csi(c):
    k = c.rng.choice([1, 2, 3, 4])
    names = [f"i{i}" for i in range(k)]
    low, high = c.rng.choice([(1, 5), (1, 10), (0, 4)])
    kind = c.rng.choice(["none", "none", "person", "aggregate"])
    scaling = c.rng.choice(["minmax", "ratio"])
    partial = c.rng.choice(["renormalise", "listwise"])
    c.param("texts", "items", *names)
    c.param("numbers", "scale", low, high)
    c.param("texts", "importance_kind", kind)
    c.param("texts", "scaling", scaling)
    c.param("texts", "partial", partial)
    fixed = [Q(1)] * k
    if kind == "none" and c.rng.random() < 0.6:
        fixed = [Q(c.rng.choice([0.5, 1.0, 2.0, 0.25])) for _ in names]
        c.param("numbers", "item_weights", *[float(w) for w in fixed])
    items = [c.ratings("items", low, high) for _ in names]
    importance = [c.ratings("importance", 0, 3, clean=True) for _ in names] if kind != "none" \
        else None
    start = low if scaling == "minmax" else 0
    factor = Q(100, high - start)
    for i, name in enumerate(names):
        states = items[i]
        if kind == "person":
            states = [(s, v if v is None else v[0])
                      for s, v in map(first_bad, items[i], importance[i])]
        c.want(f"mean[{name}]", states, estimate_mean)
        c.want(f"index[{name}]", states, lambda r: estimate_mean(r, factor, -factor * start))
    if kind == "aggregate":
        states = []
        for r in range(c.n):
            s, v = first_bad(*[m[r] for m in importance], *[m[r] for m in items])
            states.append((s, v if v is None else (v[:k], v[k:])))
        c.want("csi", states, lambda r: importance_index(r, -factor * start, factor), "1e-11")
        for i, name in enumerate(names):
            share_of = mapped(states, lambda v: (v[0][i], sum(v[0])))
            c.want(f"weight[{name}]", share_of, estimate_ratio, "1e-11")
        return
    states = []
    for r in range(c.n):
        weights = [m[r] for m in importance] if importance else [(USED, w) for w in fixed]
        s, v = items_mean([m[r] for m in items], weights, partial)
        states.append((s, None if v is None else factor * (v - start)))
    c.want("csi", states, estimate_mean, "1e-11")


def gap(c):
    k = c.rng.choice([1, 2, 4])
    names = [f"i{i}" for i in range(k)]
    partial = c.rng.choice(["renormalise", "listwise"])
    kind = c.rng.choice(["none", "none", "person", "aggregate"])
    tolerance = c.rng.choice([0, 0, 1])
    c.param("texts", "items", *names)
    c.param("numbers", "scale", 1, 7)
    c.param("texts", "partial", partial)
    c.param("texts", "importance_kind", kind)
    c.param("numbers", "tolerance", tolerance)
    halves = []
    if k == 4:
        c.param("grouping", "dimension", 4, 0, 0, 1, -1, "pair", "single")
        halves = [("pair", [0, 1]), ("single", [2])]
    fixed = [Q(1)] * k
    by_dimension = k == 4 and kind == "none" and c.rng.random() < 0.4
    if by_dimension:
        c.param("numbers", "dimension_weights", 3.0, 1.0)
    elif kind == "none" and c.rng.random() < 0.5:
        fixed = [Q(c.rng.choice([0.5, 1.0, 2.0])) for _ in names]
        c.param("numbers", "item_weights", *[float(w) for w in fixed])
    perceived = [c.ratings("perceived", 1, 7) for _ in names]
    expected = [c.ratings("expected", 1, 7) for _ in names]
    importance = [c.ratings("importance", 0, 3, clean=True) for _ in names] if kind != "none" \
        else None
    pairs = [[first_bad(p[r], e[r]) for r in range(c.n)] for p, e in zip(perceived, expected)]
    units = dict(zip(names, pairs))
    for name, members in halves:
        unit = []
        for r in range(c.n):
            ones = [(USED, Q(1))] * len(members)
            p, e = (items_mean([(s, v and v[side]) for s, v in (pairs[i][r] for i in members)],
                               ones, partial) for side in (0, 1))
            unit.append(first_bad(p, e))
        units[name] = unit
    share = lambda r: estimate_share(r, c.weighted)
    for name, unit in units.items():
        d = mapped(unit, lambda v: v[0] - v[1])
        c.want(f"gap[{name}]", d, estimate_mean)
        c.want(f"perceived[{name}]", mapped(unit, lambda v: v[0]), estimate_mean)
        c.want(f"expected[{name}]", mapped(unit, lambda v: v[1]), estimate_mean)
        c.want(f"exceeded[{name}]", mapped(d, lambda v: Q(v > tolerance)), share)
        c.want(f"met[{name}]", mapped(d, lambda v: Q(abs(v) <= tolerance)), share)
        c.want(f"short[{name}]", mapped(d, lambda v: Q(v < -tolerance)), share)

        def statistic(rows):
            value, error = estimate_mean(rows)[:2] if rows else (NAN, NAN)
            if error is NAN or error == 0:
                return "?", "?", "?", "?"
            return value / error, NAN, NAN, NAN

        def cohen_dz(rows):
            """Mean over standard deviation, n / (n - 1) times the weighted variance."""
            total = sum(w for w, _ in rows)
            m = mean_of(rows) if rows else Q(0)
            square = sum(w * (y - m) ** 2 for w, y in rows)
            if len(rows) < 2 or square == 0:
                return "?", "?", "?", "?"
            return num(m) / root(Q(len(rows), len(rows) - 1) * square / total), NAN, NAN, NAN

        c.want(f"t[{name}]", d, statistic, "1e-11")
        c.want(f"dz[{name}]", d, cohen_dz, "1e-11")
    gaps = [mapped(unit, lambda v: v[0] - v[1]) for unit in pairs]
    if kind == "aggregate":
        states = []
        for r in range(c.n):
            s, v = first_bad(*[m[r] for m in importance], *[m[r] for m in gaps])
            states.append((s, v if v is None else (v[:k], v[k:])))
        c.want("gap", states, importance_index, "1e-11")
        return
    if by_dimension:
        gaps = [mapped(units[name], lambda v: v[0] - v[1]) for name, _ in halves]
        fixed = [Q(3), Q(1)]
    states = []
    for r in range(c.n):
        weights = [m[r] for m in importance] if importance else [(USED, w) for w in fixed]
        states.append(items_mean([m[r] for m in gaps], weights, partial))
    c.want("gap", states, estimate_mean, "1e-11")


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    each = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    print("# SPDX-License-Identifier: GPL-3.0-or-later")
    print(f"# From tests/reference/metric_cases.py {seed} {each}.")
    for metric in (nps, csat, ces, csi, gap, fcr, one_touch, retention, churn, churn_average,
                   share, mean, ratio, total):
        rng = random.Random(f"{seed} {metric.__name__}")
        for i in range(each):
            c = Case(rng, metric.__name__.split("_average")[0], f"{metric.__name__}-{i}")
            metric(c)
            c.show()


if __name__ == "__main__":
    main()
