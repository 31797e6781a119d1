#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of tests/test_compare_tallies.c, test_groups.c and test_paired.c once more, by exact
fractions, enumeration and SciPy; shares nothing with the library. Needs scipy; prints what it
compared.

    python3 tests/reference/compare_rows.py
"""

from fractions import Fraction as F
from itertools import product
from math import comb, sqrt

from scipy import stats

compared = 0


def same(name, got, printed):
    """`printed` as in the tests: equal to half a unit of its last digit, or to 1e-10."""
    global compared
    digits = len(printed.partition(".")[2])
    bound = max(0.51 * 10.0**-digits, 1e-10 * abs(float(printed)))
    assert abs(float(got) - float(printed)) <= bound, f"{name}: {float(got)!r} is not {printed}"
    compared += 1


def net(d, p, r):
    n = d + p + r
    value = F(r - d) / n
    return n, value, F(r + d) / n - value**2


def z_test(name, a, b, p, lower, upper, se=None):
    (n, x, v), (m, y, w) = net(*a), net(*b)
    error = sqrt(v / n + w / m)
    if se:
        same(name + " error", 100 * error, se)
    same(name + " p", 2 * stats.norm.sf(abs(x - y) / error), p)
    half = stats.norm.ppf(0.975) * error
    same(name + " lower", 100 * (x - y - half), lower)
    same(name + " upper", 100 * (x - y + half), upper)


def two_waves():
    now, before = (12, 28, 60), (15, 25, 40)
    for name, k, rest in (
        ("wald", F(0), (".130482845121", "-4.959684092469", "38.459684092469")),
        ("adjusted", F(3), (".131278855679", "-4.924370797033", "37.887290436757")),
        ("adjusted-half", F(3, 2), (".130859980018", "-4.941061372294", "38.172648908938")),
    ):
        more = (k / 4, k / 2, k / 4)
        z_test(name, *([x + y for x, y in zip(side, more)] for side in (now, before)), *rest)
    both = [x + y for x, y in zip(now, before)]
    n, _, v = net(*both)
    gap = net(*now)[1] - net(*before)[1]
    for name, variance, p in (("pooled", v, ".128995947090"),
                              ("permutation", v * n / (n - 1), ".130063772677")):
        error = sqrt(variance * (F(1, 100) + F(1, 80)))
        same(name, 2 * stats.norm.sf(float(gap) / error), p)
    codes = [[c for c, k in zip((-1, 0, 1), side) for _ in range(k)] for side in (now, before)]
    welch = stats.ttest_ind(*codes, equal_var=False)
    same("welch", welch.statistic, "1.503477324178")
    same("welch df", welch.df, "161.701873153125")
    # which answers fell into which wave: hypergeometric counts, all of them
    seen, far = 60 - 12, abs(n * (60 - 12) - 100 * (both[2] - both[0]))
    extreme = total = at_least = 0
    for d, r in product(range(both[0] + 1), range(both[2] + 1)):
        if 0 <= 100 - d - r <= both[1]:
            ways = comb(both[0], d) * comb(both[2], r) * comb(both[1], 100 - d - r)
            total += ways
            extreme += ways * (abs(n * (r - d) - 100 * (both[2] - both[0])) >= far)
            at_least += ways * (r - d >= seen)
    assert total == comb(n, 100)
    same("exact", F(extreme, total), ".154333004937")
    chi = stats.chi2_contingency([now, before], correction=False)
    same("chi2", chi[0], "2.309433962264")
    same("chi2 p", chi[1], ".315146716750")


def shares():
    table = [[80, 20], [96, 54]]
    same("fisher", stats.fisher_exact(table)[1], ".007243503857")
    yates = stats.chi2_contingency(table)
    same("yates", yates[0], "6.623189240377")
    newcombe = stats.contingency.odds_ratio(table, kind="sample")
    same("odds ratio", newcombe.statistic, "2.25")
    low, high = newcombe.confidence_interval(0.95)
    same("odds ratio lower", low, "1.243924595445")
    same("odds ratio upper", high, "4.069780450148")
    low, high = stats.contingency.relative_risk(80, 100, 96, 150).confidence_interval(0.95)
    same("risk ratio lower", low, "1.070573828712")
    same("risk ratio upper", high, "1.459497661997")


def means():
    a, b, c = ([7, 9, 10, 6, 8, 9, 10, 5, 7, 8], [9, 8, 10, 10, 7, 9, 10, 9], [5, 6, 9, 8, 7])
    same("pooled t", stats.ttest_ind(a, b).pvalue, ".125377722529")
    rank = stats.mannwhitneyu(a, b, method="asymptotic")
    same("mann-whitney", rank.statistic, "24.0")
    same("mann-whitney p", rank.pvalue, ".157760547881")
    same("kruskal", stats.kruskal(a, b, c).statistic, "5.060593220339")


def groups():
    table = [[15, 25, 40], [12, 28, 60], [10, 20, 70]]
    chi = stats.chi2_contingency(table)
    same("k x 3", chi[0], "8.069277174031")
    g = stats.chi2_contingency(table, lambda_="log-likelihood")
    same("g2", g[0], "8.031909217213")
    n, rows, columns = 280, [80, 100, 100], [37, 73, 170]
    for k, want in enumerate(("1.729962585817", "1.248332883392", "-2.321717969856")):
        e = rows[0] * columns[k] / n
        z = (table[0][k] - e) / sqrt(e * (1 - rows[0] / n) * (1 - columns[k] / n))
        same("residual", z, want)


def mix():
    """within and mix of the groups of test_compare_tallies.c."""
    a = {1: (40, 50), 2: (20, 50), 3: (20, 100)}
    b = {1: (40, 0), 2: (10, 50), 4: (50, -100)}
    total = [sum(F(n * m) for n, m in s.values()) / sum(n for n, _ in s.values()) for s in (a, b)]
    centre, parts = sum(total) / 2, {}
    for g in sorted({*a, *b}):
        share = [F(s.get(g, (0,))[0], sum(n for n, _ in s.values())) for s in (a, b)]
        values = [F(s[g][1]) for s in (a, b) if g in s]
        within = sum(share) / 2 * (values[0] - values[1]) if len(values) == 2 else F(0)
        parts[g] = within, (share[0] - share[1]) * (sum(values) / len(values) - centre)
    want = {1: ("22.5", "1.625"), 2: ("0.0", "6.1875"), 3: ("0.0", "22.8125"), 4: ("0.0", "54.375")}
    for g, texts in want.items():
        for got, text in zip(parts[g], texts):
            same(f"mix {g}", got, text)
    assert sum(map(sum, parts.values())) == total[0] - total[1] == F(215, 2)


def pairs():
    m = [[10, 5, 3], [4, 20, 11], [2, 9, 36]]
    d = [j - i for i in range(3) for j in range(3) for _ in range(m[i][j])]
    t = stats.ttest_1samp(d, 0)
    same("paired t", t.statistic, "0.712525303194")
    same("paired p", t.pvalue, ".477815518502")
    low, high = t.confidence_interval(0.95)
    same("paired lower", 100 * low, "-8.923835004109")
    same("paired upper", 100 * high, "18.923835004109")
    same("mcnemar exact", stats.binomtest(11, 25).pvalue, ".690037965775")
    bowker = sum(F((m[i][j] - m[j][i]) ** 2, m[i][j] + m[j][i]) for i in range(3) for j in range(i))
    same("bowker", bowker, ".511111111111")
    same("score", F(sum(d) ** 2, sum(x * x for x in d)), ".510204081633")


if __name__ == "__main__":
    for part in (two_waves, shares, means, groups, mix, pairs):
        part()
    print(f"{compared} figures agree")
