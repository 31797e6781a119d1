#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the rows of tests/data/interval_share_rows.h, interval_net_rows.h, quantile_rows.h.

    interval_rows.py share | net | quantile        (needs mpmath; a few minutes)

Tails are integrals of the density at 40 digits (tanh-sinh), checked against exact rational
sums where n is small; limits are their roots by Newton in a bracket. The net score's
bootstrap is the polynomial (d + p x + r x^2)^n in whole numbers. Formulas are written as in
the papers, without any of the library's rearrangements."""
import sys
from fractions import Fraction

from mpmath import (mp, mpf, log, exp, sqrt, loggamma, quad, erfinv, erfc, expm1, log1p,
                    findroot, nstr)

mp.dps = 40


def text(v):
    return "0" if v == 0 else "1" if v == 1 else nstr(v, 20, strip_zeros=False)


# ---- tails and quantiles ----------------------------------------------------------------

def log_beta(a, b):
    mp.dps += 25
    value = loggamma(a) + loggamma(b) - loggamma(a + b)
    mp.dps -= 25
    return +value


def far_side(a, b, x, y):
    """I_x(a, b) for x at or below the mean: integrates e^{a s} (1 - e^s)^(b-1) over s <= log x."""
    lx, ly = (log(x), log(y)) if x < y else (log1p(-y), log(y))

    def ratio(w):  # log of the integrand at s = log x - w over that at s = log x
        return -a * w + (b - 1) * (log(y - x * expm1(-w)) - ly)

    width = 1 / (a + sqrt(a))
    while ratio(width) > -100:
        width *= 2
    while ratio(width / 2) < -100:
        width /= 2
    total = quad(lambda w: exp(ratio(w)), [0, width / 64, width / 16, width / 8, width / 4, width / 2, width])
    return exp(a * lx + (b - 1) * ly - log_beta(a, b)) * total


def lower(a, b, x, y):
    return far_side(a, b, x, y) if b * x <= a * y else 1 - far_side(b, a, y, x)


def density(a, b, x, y):
    return exp((a - 1) * log(x) + (b - 1) * log(y) - log_beta(a, b))


def quantile(a, b, p, mid=False):
    """(x, 1 - x) with I_x(a, b) = p, or (I_x(a, b) + I_x(a + 1, b - 1)) / 2 = p."""
    a, b, p = mpf(a), mpf(b), mpf(p)

    def tail(x, y):
        t, f = lower(a, b, x, y), density(a, b, x, y)
        if mid:
            t -= exp(a * log(x) + (b - 1) * log(y) - log_beta(a, b)) / a / 2
            f = f / 2 + (density(a + 1, b - 1, x, y) / 2 if b > 1 else 0)
        return t, f

    in_x = tail(mpf(1) / 2, mpf(1) / 2)[0] >= p
    low, high = mpf(10) ** -300, mpf(1) / 2 + mpf(10) ** -6
    mean = (a if in_x else b) / (a + b)
    v = min(max(mean, low * 2), mpf("0.49"))
    for _ in range(500):
        x, y = (v, 1 - v) if in_x else (1 - v, v)
        t, f = tail(x, y)
        if (t < p) == in_x:
            low = v
        else:
            high = v
        slope = (f if in_x else -f) * v / t
        step = -log(t / p) / slope
        new = v * exp(step) if abs(step) < 300 else -1
        if abs(step) < mpf(10) ** -25:
            break
        v = new if low < new < high else sqrt(low * high)
    else:
        raise ArithmeticError((a, b, p))
    return (v, 1 - v) if in_x else (1 - v, v)


def check_quantile():
    """Exact rational binomial tails at the limits of small samples."""
    from math import comb
    for x, n in ((1, 3), (9, 10), (17, 40)):
        root = quantile(x, n - x + 1, mpf("0.025"))[0]
        p = Fraction(int(root * 10**35), 10**35)
        tail = sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(x, n + 1))
        assert abs(tail - Fraction(1, 40)) < Fraction(1, 10**24), (x, n)


def gamma_side(a, x, upper):
    """P(a, x) or Q(a, x), directly integrated on its own side of the mean."""
    a, x = mpf(a), mpf(x)
    if (x <= a) == upper:
        return 1 - gamma_side(a, x, not upper)
    sign = 1 if upper else -1

    def ratio(w):
        return a * sign * w - x * expm1(sign * w)

    width = 1 / (abs(x - a) + sqrt(a) + 1)
    while ratio(width) > -100:
        width *= 2
    while ratio(width / 2) < -100:
        width /= 2
    total = quad(lambda w: exp(ratio(w)), [0, width / 64, width / 16, width / 8, width / 4, width / 2, width])
    return exp(a * log(x) - x - loggamma(a)) * total


def gamma_quantile(a, p, upper):
    a, p = mpf(a), mpf(p)
    low, high = mpf(10) ** -300, (a + 50) * 20
    v = a
    for _ in range(500):
        t = gamma_side(a, v, upper)
        if (t < p) != upper:
            low = v
        else:
            high = v
        slope = exp(a * log(v) - v - loggamma(a)) / t * (-1 if upper else 1)
        step = -log(t / p) / slope
        if abs(step) < mpf(10) ** -25:
            return v
        new = v * exp(step) if abs(step) < 300 else -1
        v = new if low < new < high else sqrt(low * high)
    raise ArithmeticError((a, p))


def normal_quantile(p):
    """z with upper tail p."""
    z = sqrt(2) * erfinv(1 - 2 * mpf(p))
    return findroot(lambda t: log(erfc(t / sqrt(2)) / 2) - log(mpf(p)), z)


def upper_tail(level):
    """The tail that a double `level` really leaves on one side."""
    return (1 - mpf(level)) / 2


# ---- shares -----------------------------------------------------------------------------

def wilson(x, n, z):
    x, n = mpf(x), mpf(n)
    p = x / n
    centre = p + z * z / (2 * n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)


def share(method, x, n, level):
    x, n, tail = mpf(x), mpf(n), upper_tail(level)
    z = normal_quantile(tail)
    if method == "WILSON":
        lo, hi = wilson(x, n, z)
        return (mpf(0) if x == 0 else lo), (mpf(1) if x == n else hi)
    if method == "WILSON_CC":
        half = mpf(1) / 2
        return (mpf(0) if x <= half else wilson(x - half, n, z)[0]), \
            (mpf(1) if n - x <= half else wilson(x + half, n, z)[1])
    if method == "WALD":
        half = z * sqrt(x / n * (1 - x / n) / n)
        return x / n - half, x / n + half
    if method == "AGRESTI":
        n2 = n + z * z
        p = (x + z * z / 2) / n2
        half = z * sqrt(p * (1 - p) / n2)
        return p - half, p + half
    if method == "LOGIT":
        centre, half = log(x / (n - x)), z / sqrt(n * (x / n) * (1 - x / n))
        return 1 / (1 + exp(half - centre)), 1 / (1 + exp(-half - centre))
    shift = mpf(1) / 2 if method == "JEFFREYS" else 0
    if method == "JEFFREYS":
        first, last = (x + shift, n - x + shift), (n - x + shift, x + shift)
    else:
        first, last = (x, n - x + 1), (n - x, x + 1)
    mid = method == "MID_P"
    return (mpf(0) if x == 0 else quantile(*first, tail, mid)[0]), \
        (mpf(1) if x == n else quantile(*last, tail, mid)[1])


def share_rows():
    sizes = [1, 2, 7, 30, 200, 999, 1001, 5000, 20000, 100000, 10**6, 2 * 10**6, 10**9]
    for n in sizes:
        for x in sorted({0, 1, n // 3, n // 2, n - 1, n}):
            for level in ("0.5", "0.95", "0.999999"):
                if level == "0.5" and n not in (1, 30, 20000, 10**9):
                    continue
                for method in ("EXACT", "MID_P", "JEFFREYS"):
                    yield method, x, n, level
        for x in sorted({0, 1, n // 3, n - 1, n}):
            for method in ("WILSON", "WILSON_CC"):
                yield method, x, n, "0.95"
            if 0 < x < n:
                for method in ("AGRESTI", "LOGIT", "WALD"):
                    yield method, x, n, "0.95"
    for x, n in ((0.25, 0.75), (3.75, 10.5), (123.4375, 512.25), (0.5, 99999.5)):
        for method in ("EXACT", "MID_P", "JEFFREYS", "WILSON", "WILSON_CC", "AGRESTI", "LOGIT", "WALD"):
            yield method, x, n, "0.95"


def print_share():
    check_quantile()
    for method, x, n, level in share_rows():
        lo, hi = share(method, x, n, float(level))
        print("{ %s, %r, %r, %s, %s, %s, 0 }," % (method, x, n, level, text(lo), text(hi)))


# ---- net scores -------------------------------------------------------------------------

def score_limit(d, r, n, z):
    """The lower score limit by bisection of Tango's equation as it is printed."""
    value = (r - d) / n
    if d == n:
        return mpf(-1)

    def positive(D):
        A, B, C = 2 * n, -d - r + (2 * n - r + d) * D, -d * D * (1 - D)
        q = (sqrt(B * B - 4 * A * C) - B) / (2 * A)
        v = n * (2 * q + D * (1 - D))
        return r - d - n * D > z * sqrt(max(v, mpf(0)))
    low, high = mpf(-1), value
    for _ in range(160):
        half = (low + high) / 2
        if positive(half):
            low = half
        else:
            high = half
    return low


def bootstrap(d, p, r, level, bca):
    """Whole-number coefficients of (d + p x + r x^2)^n; index k is the sum k - n."""
    n = d + p + r
    c = [1]
    for _ in range(n):
        nxt = [0] * (len(c) + 2)
        for k, v in enumerate(c):
            nxt[k] += d * v
            nxt[k + 1] += p * v
            nxt[k + 2] += r * v
        c = nxt
    total = n**n
    levels = [upper_tail(level), 1 - upper_tail(level)]
    if bca:
        at = r - d + n
        atom = mpf(sum(c[:at])) / total + mpf(c[at]) / total / 2
        z0 = -normal_quantile(atom)
        m = mpf(r - d) / n
        m2 = (r * (1 - m) ** 2 + p * m**2 + d * (1 + m) ** 2) / n
        m3 = (r * (1 - m) ** 3 - p * m**3 - d * (1 + m) ** 3) / n
        a = m3 / (6 * sqrt(n) * m2 ** mpf(1.5))
        z = normal_quantile(upper_tail(level))
        levels = [erfc(-(z0 + (z0 + s * z) / (1 - a * (z0 + s * z))) / sqrt(2)) / 2 for s in (-1, 1)]
    limits = []
    for wanted in levels:
        below = 0
        for k, v in enumerate(c):
            below += v
            if mpf(below) >= wanted * total:
                limits.append(mpf(k - n) / n)
                break
    return limits


def net(method, d, p, r, level):
    z = normal_quantile(upper_tail(level))
    whole = (d, p, r)
    d, p, r = mpf(d), mpf(p), mpf(r)
    n = d + p + r
    if method in ("BOOTSTRAP", "BCA"):
        return bootstrap(*whole, level, method == "BCA")
    if method == "SCORE":
        return score_limit(d, r, n, z), -score_limit(r, d, n, z)
    if method == "GOODMAN":
        g = normal_quantile((1 - mpf(level)) / 6)
        low, high = wilson(d, n, g), wilson(r, n, g)
        return high[0] - low[1], high[1] - low[0]
    shape = {"ADJUSTED_WALD": (3, 0), "ADJUSTED_WALD_U": (3, 1), "ADJUSTED_WALD_TZ": (z * z, 0),
             "ADJUSTED_WALD_UZ": (z * z, 1)}.get(method)
    if shape:
        k = mpf(shape[0])
        add = (k / 3, k / 3) if shape[1] else (k / 4, k / 2)
        d, p, r = d + add[0], p + add[1], r + add[0]
        n = d + p + r
    m = (r - d) / n
    v = (r + d) / n - m * m
    half = z * sqrt(v / n)
    if method == "CONTRAST":
        half = sqrt(-2 * log(1 - mpf(level))) * sqrt(v / n)
    if method == "WALD_T":
        half = student(n - 1, 1 - mpf(level)) * sqrt(v / (n - 1))
    return m - half, m + half


def student(df, p):
    """t with two-sided tail p."""
    x, y = quantile(mpf(df) / 2, mpf(1) / 2, p)
    return sqrt(df * y / x)


def net_rows():
    counts = [(15, 25, 40), (2, 3, 5), (0, 0, 5), (0, 5, 0), (1, 0, 1), (0, 1, 1), (7, 0, 3),
              (1, 0, 999999), (0, 3, 999999997), (333333333, 333333333, 333333334), (1, 999999998, 1),
              (2.5, 0.125, 7.75), (0.0625, 12.5, 0.5), (9, 1000, 20000)]
    closed = ["WALD", "WALD_T", "ADJUSTED_WALD", "ADJUSTED_WALD_U", "ADJUSTED_WALD_TZ",
              "ADJUSTED_WALD_UZ", "SCORE", "CONTRAST", "GOODMAN"]
    for c in counts:
        for level in ("0.5", "0.95", "0.999999"):
            for method in closed:
                yield (method, *c, level)
    for c in ((1, 0, 1), (1, 1, 1), (3, 0, 7), (0, 4, 9), (30, 50, 120), (1, 0, 299), (0, 250, 150)):
        for level in ("0.8", "0.95", "0.999999"):
            for method in ("BOOTSTRAP", "BCA"):
                yield (method, *c, level)


def print_net():
    for method, d, p, r, level in net_rows():
        lo, hi = net(method, d, p, r, float(level))
        print("{ CXM_INTERVAL_%s, %r, %r, %r, %s, %s, %s }," %
              (method, d, p, r, level, text(100 * lo), text(100 * hi)))


# ---- quantiles --------------------------------------------------------------------------

def quantile_rows():
    for level in (0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.999999):
        yield "z", 0, 0, level, normal_quantile(upper_tail(level)), 2e-15
    for df in (0.1, 0.5, 1, 1.5, 2, 3, 4.7, 10, 29.5, 30, 31, 100, 161.701873153125, 999, 1001, 1e4, 1e6, 1e9):
        for level in (0.5, 0.95, 0.999999):
            yield "t", df, 0, level, student(mpf(df), 1 - mpf(level)), 1e-13 if df < 1 else 1e-14
        for t in (0.01, 1.5, 4, 12):
            x = 1 / (1 + mpf(t) ** 2 / mpf(df))
            yield "p", df, 0, t, lower(mpf(df) / 2, mpf(1) / 2, x, 1 - x), 1e-12
    for df in (1, 2, 3, 4.5, 10, 99, 1000, 1002, 1e5, 2e6):
        for at in (0.1, 0.5, 1, 1.2, 3):
            x = mpf(at) * mpf(df)
            if df < 2000 or at == 1:
                yield "c", df, 0, float(x), gamma_side(mpf(df) / 2, mpf(float(x)) / 2, True), 1e-12
        for p in (0.025, 0.975, 1e-6):
            yield "C", df, 0, p, 2 * gamma_quantile(mpf(df) / 2, mpf(p), True), 1e-13
    for a, b in ((0.5, 0.5), (1, 1), (0.25, 3), (2, 5), (499, 501), (501, 502), (500, 1e6), (501, 1e6),
                 (1e6, 1e6), (2e6, 8e6), (5e5, 3), (1e9, 2), (6001, 14000), (50000, 50001)):
        for p in (0.025, 5e-7, 0.975):
            x, y = quantile(a, b, mpf(p))
            yield "B", a, b, p, x, 1e-13
            if p < 0.5:
                yield "Y", a, b, p, y, 1e-13
        sd = sqrt(mpf(a) * b / (mpf(a) + b + 1)) / (mpf(a) + b)
        for k in (-3, 0.5):
            x = mpf(float(mpf(a) / (mpf(a) + b) + k * sd))
            if 0 < x < 1 and 1 - float(x) == 1 - x:
                yield "b", a, b, float(x), lower(mpf(a), mpf(b), x, 1 - x), 1e-11
    for a in (0.25, 1, 17, 18, 499, 501, 1e4, 1e6, 1e9):
        for p in (0.025, 5e-7):
            yield "G", a, 0, p, gamma_quantile(a, mpf(p), False), 1e-13
            yield "H", a, 0, p, gamma_quantile(a, mpf(p), True), 1e-13
        x = float(a * (1 - 2 / (2 + a) ** 0.5 / 2))
        yield "g", a, 0, x, gamma_side(a, mpf(x), False), 1e-11
        yield "h", a, 0, 2 * a - x, gamma_side(a, mpf(2 * a - x), True), 1e-11


def print_quantile():
    for name, a, b, at, want, tolerance in quantile_rows():
        print("{ '%s', %r, %r, %r, %s, %r }," % (name, a, b, at, text(want), tolerance))


kind = sys.argv[1]
print("/* SPDX-License-Identifier: GPL-3.0-or-later */")
print("/* From tests/reference/interval_rows.py %s. */" % kind)
{"share": print_share, "net": print_net, "quantile": print_quantile}[kind]()
