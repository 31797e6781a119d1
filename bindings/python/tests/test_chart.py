# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts, run rules and change points through Python: inputs of every kind, options, messages.
The figures themselves are in tests/test_chart.c and tests/test_change_point.c."""

from __future__ import annotations

import datetime
import math
from typing import Any

import pytest
from helpers import close, refused

import cxm

FLOW = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
ORANGES = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15,
           9, 12, 7, 13, 9, 6]
DOUGH = [324.925, 324.675, 324.725, 324.350, 325.350, 325.225, 324.125, 324.525, 325.225, 324.600,
         324.625, 325.150, 328.325, 327.250, 327.825, 328.500, 326.675, 327.775, 326.875, 328.350]


def signals(report: cxm.Report, measure: str | None = None) -> list[Any]:
    rows = report if measure is None else report[measure]
    return [row.period for row in rows if row.signal]


# ---- charts ------------------------------------------------------------------------------------


def test_columns_of_every_kind() -> None:
    numpy = pytest.importorskip("numpy")
    want = repr(cxm.chart("p", ORANGES, [50] * 30).to_dict())
    assert signals(cxm.chart("p", ORANGES, [50] * 30)) == [15, 23]
    got = cxm.chart("p", numpy.array(ORANGES), numpy.full(30, 50, dtype="u1")).to_dict()
    assert repr(got) == want
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"k": ORANGES, "n": 50})
    assert repr(cxm.chart("p", "k", "n", data=frame).to_dict()) == want
    polars = pytest.importorskip("polars")
    assert repr(cxm.chart("p", "k", "n", data=polars.from_pandas(frame)).to_dict()) == want
    refused("sizes is missing", cxm.chart, "p", ORANGES)


def test_the_kind_comes_first() -> None:
    g = cxm.nps([9, 1], by=[1, 2])
    for given in ((g,), (g, "p"), ([1, 2, 3],)):
        refused(f'chart takes the kind first, as in cxm.chart("xmr", values), not a '
                f"{type(given[0]).__name__}", cxm.chart, *given)
    refused("chart needs values=", cxm.chart, "p")


def test_options_reach_the_library() -> None:
    exact = cxm.chart("xmr", FLOW, exact=True)
    assert close(exact.to_dict()["lower"][0], 45.817588, 1e-8)
    assert close(list(exact["mr"])[1].upper, 6.1338208, 1e-7)  # D4 3.2665319 times 16.9 / 9
    assert close(list(cxm.chart("xmr", FLOW)["mr"])[1].upper, 6.1347, 1e-8)  # 3.267 times that
    assert close(cxm.chart("xmr", FLOW, median_range=True).to_dict()["sigma"][0], 1.57254, 1e-5)
    r = cxm.chart("xmr", FLOW, centre=50, sigma=1, limits=2, rules=["N1", "we4".upper()])
    assert signals(r, "x") == [2, 5, 7, 8, 9, 10]
    assert r.definition == "chart/xmr/limits=2/centre=50/sigma=1/rules=N1+WE4"
    assert cxm.chart("xmr", FLOW, baseline=5).definition == "chart/xmr/limits=3/baseline=5"
    e = cxm.chart("ewma", FLOW, target=50, sigma=2.0539, lambda_=0.3, asymptotic=True)
    assert close(e.to_dict()["upper"][0], 52.588432, 1e-8)
    s = cxm.chart("cusum", DOUGH, target=325, k=0.3175, h=4.1959)
    assert signals(s, "cusum_high") == list(range(14, 21)) and signals(s, "cusum_low") == []
    head = cxm.chart("cusum", DOUGH, baseline=12, sigma_units=True, h=4, head_start=True)
    assert head.definition == "chart/cusum/k=0.5/h=4/sigma-units/head-start/baseline=12"
    assert math.isnan(s.to_dict()["sigma"][0])


def test_a_chart_goes_on() -> None:
    options: dict[str, Any] = {"target": 325, "sigma": 0.6}
    for kind in ("ewma", "cusum"):
        whole = cxm.chart(kind, DOUGH, **options)
        first = cxm.chart(kind, DOUGH[:7], **options)
        rest = cxm.chart(kind, DOUGH[7:], start=first, **options)
        for measure in whole.measures:
            parts = first[measure].to_dict()["value"] + rest[measure].to_dict()["value"]
            assert parts == whole[measure].to_dict()["value"]
            limits = first[measure].to_dict()["upper"] + rest[measure].to_dict()["upper"]
            assert limits == whole[measure].to_dict()["upper"]
    refused(
        "start has no ewma or cusum to continue", cxm.chart, "ewma", DOUGH,
        start=cxm.chart("xmr", FLOW), **options,
    )
    refused("start is the report of the part before", cxm.chart, "ewma", DOUGH, start=3, **options)


def test_results_and_tallies() -> None:
    day = [datetime.date(2024, 1 + i // 40, 1 + i % 28) for i in range(240)]
    score = [(i * 7 + i // 40) % 11 for i in range(240)]
    g = cxm.nps(score, by=cxm.month(day))
    r = cxm.chart("xmr", g)
    assert [row.value for row in r["x"]] == [row.value for row in g]
    assert [row.period for row in r["x"]] == g.groups
    assert {row.metric for row in r} == {"nps"} and {row.unit for row in r} == {"points"}
    promoters = cxm.chart("p", g["promoters"])
    assert str(promoters.to_dict()) == str(cxm.chart("p", g, measure="promoters").to_dict())
    assert [row.value for row in promoters] == [row.value for row in g["promoters"]]
    assert promoters.definition.endswith("/of=nps/0-10/6-9/measure=promoters")
    assert str(cxm.chart("xmr", g.tally).to_dict()) == str(r.to_dict())
    refused(
        'nps of nps is no share of counted rows; use "xmr"', cxm.chart, "p", g
    )
    refused("sizes belongs to columns; a result brings its own", cxm.chart, "p", g, [1])
    refused("the tally has no groups: one key must be the time", cxm.chart, "xmr", cxm.nps(score))
    refused("measure belongs to results and tallies", cxm.chart, "xmr", FLOW, measure="x")


def test_counts_of_tallies() -> None:
    months = [datetime.date(2024, m, 1) for m in range(1, 9)]
    wafers = [16, 14, 28, 16, 12, 20, 10, 12]
    g = cxm.complaints(wafers, [4000] * 8, by={"month": cxm.month(months)})
    rate = cxm.chart("u", g)
    assert [row.value for row in rate] == [k / 4 for k in wafers]
    assert rate["u"].to_dict()["unit"][0] == "per 1000"
    number = cxm.chart("c", g["number"])
    assert [(row.lower, row.upper) for row in number] == [(4.0, 28.0)] * 8  # NIST 6.3.3.1
    assert str(number["c"].to_dict()["value"]) == str([float(k) for k in wafers])
    assert str(cxm.chart("u", g.tally).to_dict()) == str(rate.to_dict())
    found = cxm.change_point(g, method="rate")
    assert found.period == months[5]  # 2 (106 ln(106/96) + 22 ln(22/32)) = 4.5 is above 2 ln 8
    assert found.definition.startswith("change_point/rate/")
    assert found.statistic == cxm.change_point(wafers, [4] * 8, method="rate").statistic
    refused(
        'complainers of complaints is no rate of events; use "p" for shares, "xmr"', cxm.chart,
        "u", g["complainers"],
    )


def test_weights_are_no_counts() -> None:
    g = cxm.share([1, 0, 1, 1], by=[1, 1, 2, 2], weight=[1.0, 2.0, 1.5, 1.0])
    error = refused(
        'share of share is no share of counted rows; use "xmr"', cxm.chart, "p", g
    )
    assert error.status == "EUNSUPPORTED"


def test_periods() -> None:
    months = [datetime.date(2024, m, 1) for m in (3, 1, 2)]
    r = cxm.chart("xmr", [30, 10, 20], period=cxm.month(months))
    assert [row.value for row in r["x"]] == [10, 20, 30]
    assert [row.period for row in r["x"]] == sorted(months)
    named = cxm.chart("xmr", "x", period="p", data={"x": [3, 1, 2], "p": ["c", "a", "b"]})
    assert [row.period for row in named["x"]] == ["c", "a", "b"]  # text keeps the order of rows
    months[0] = datetime.date(2024, 5, 1)
    refused(
        "periods are missing before 2024-05-01: the series has a gap; gaps are split or skipped "
        "only when you say so",
        cxm.chart, "xmr", [30, 10, 20], period=cxm.month(months),
    )
    split = cxm.chart("xmr", [30, 10, 20], period=cxm.month(months), gaps="split")
    assert len(split["mr"]) == 1
    error = refused(
        "period: row 2 repeats a period; add up its rows first",
        cxm.chart, "xmr", [1, 2, 3], period=[1, 2, 2],
    )
    assert (error.row, error.column, error.status) == (2, "period", "EDATA")
    refused(
        "period: row 1 has no period, and so no place in time",
        cxm.chart, "xmr", [1, 2, 3], period=[1, None, 2],
    )


def test_messages() -> None:
    refused(
        'there is no chart "q"; there are p, u, laney, laney_u, c, xmr, ewma, cusum',
        cxm.chart, "q", FLOW,
    )
    refused(
        "the chart needs a baseline of at least 2 points in a row; there is 1",
        cxm.chart, "xmr", [1],
    )
    refused("there are no points", cxm.chart, "xmr", [])
    refused("k: row 1 is 11, more than its size", cxm.chart, "p", "k", "n",
            data={"k": [1, 11], "n": [10, 10]})
    refused("values: row 1 is 1.5, not a whole number", cxm.chart, "c", [1, 1.5])
    refused(
        "row 1 has no value: the series has a gap; gaps are split or skipped only when you say so",
        cxm.chart, "xmr", [1, None, 2],
    )
    refused("limits must be above 0", cxm.chart, "xmr", FLOW, limits=0)
    refused("limits must be a number, not 'x'", cxm.chart, "xmr", FLOW, limits="x")
    refused("baseline must be a whole number, 0 or more, not 2.5", cxm.chart, "xmr", FLOW,
            baseline=2.5)
    refused("baseline must be a number of points", cxm.chart, "xmr", FLOW, baseline=0)
    refused("lambda_ must be above 0, not 0", cxm.chart, "ewma", FLOW, lambda_=0)
    refused("gaps must be 'error' or 'split' or 'skip', not 'x'", cxm.chart, "xmr", FLOW, gaps="x")
    refused("centre and target are the same: pass one of them", cxm.chart, "ewma", FLOW, centre=1,
            target=1)
    refused(
        "the target and sigma must come from a baseline, not from the points that are judged: "
        "pass centre and sigma, or baseline", cxm.chart, "ewma", FLOW,
    )


# ---- run rules ---------------------------------------------------------------------------------


def test_run_rules() -> None:
    z = [0.2, -0.4, 3.1, 0.5, 2.3, -0.3, 2.4, 0.1, -0.2]
    assert signals(cxm.run_rules(z)) == [3, 5, 7]
    assert signals(cxm.run_rules(z, rules="N1")) == [3]
    assert cxm.run_rules(z, rules=["WE1", "WE2"]).definition == "run_rules/N1+N5"
    r = cxm.run_rules(z, rules="all")
    assert [row.reason for row in r if row.signal][0] == "N1: beyond 3 sigma"
    refused('there is no rule "N9"; there are N1 to N8, WE1 to WE4, all', cxm.run_rules, z,
            rules="N9")


# ---- change points -----------------------------------------------------------------------------


def test_change_points() -> None:
    yes = [45, 44, 46, 43, 47, 45, 38, 39, 37, 40, 36, 38]
    r = cxm.change_point(yes, [50] * 12)
    assert close(r.statistic, 21.36571475, 1e-9) and r.period == 6 and math.isnan(r.p)
    assert (r.value_a, r.value_b, r.verdict, r.unit) == (0.9, 0.76, "change", "share")
    a = cxm.change_point(yes, [50] * 12, permutations=999, seed=12345)
    b = cxm.change_point(yes, [50] * 12, permutations=999, seed=12345)
    assert a.p == b.p == 0.001
    steps = cxm.change_point([5] * 3 + [1] * 4 + [9] * 2 + [5] * 3, several=True)
    assert steps.to_dict()["period"] == [3, 7, 9]
    assert cxm.change_point(yes, method="pettitt").statistic == 36
    refused(
        "permutations need a seed, so that the same call gives the same p", cxm.change_point, yes,
        permutations=99,
    )
    refused("a change point needs at least 4 points; there are 3", cxm.change_point, [1, 2, 3])
    refused("level must be between 0 and 1; did you mean 0.95?", cxm.change_point, yes, level=95)


def test_change_points_of_results() -> None:
    score = [10, 9, 9, 10, 3, 2, 3, 1]
    g = cxm.nps(score, by={"day": [4, 1, 2, 3, 5, 6, 7, 8]})
    r = cxm.change_point(g)
    assert (r.period, r.value_a, r.value_b, r.unit) == (4, 100.0, -100.0, "points")
    share = cxm.change_point(g["promoters"], method="proportion")
    assert (share.period, share.value_a, share.value_b) == (4, 1.0, 0.0)


# ---- slow oracles on random series -------------------------------------------------------------


def series(seed: int, n: int) -> list[float]:
    """Quarters from −4 to 4: exact sums, many ties, points on limits."""
    import random

    draw = random.Random(seed)
    return [draw.randint(-16, 16) / 4 for _ in range(n)]


def test_cusum_is_the_largest_tail_sum() -> None:
    """H_t is the largest sum of x − mu − k over a stretch that ends at t, or 0."""
    for seed in range(40):
        x = series(seed, 30)
        r = cxm.chart("cusum", x, target=0.25, k=0.5, h=3)
        for side, sign in (("cusum_high", 1), ("cusum_low", -1)):
            step = [sign * (v - 0.25) - 0.5 for v in x]
            want = [max(0.0, *(sum(step[j : t + 1]) for j in range(t + 1))) for t in range(30)]
            assert [row.value for row in r[side]] == want
            assert signals(r, side) == [t + 1 for t in range(30) if want[t] > 3]


def test_ewma_is_a_weighted_sum() -> None:
    """z_t = sum of lambda (1 − lambda)^i x_(t − i), and (1 − lambda)^t of the target."""
    for seed in range(20):
        x = series(seed, 25)
        rows = list(cxm.chart("ewma", x, target=1, sigma=2, lambda_=0.375, limits=2.5))
        for t, row in enumerate(rows, 1):
            weights = [0.375 * 0.625**i for i in range(t)]
            want = sum(w * x[t - 1 - i] for i, w in enumerate(weights)) + 0.625**t
            wide = 2.5 * 2 * math.sqrt(sum(w * w for w in weights))
            assert close(row.value, want) and close(row.upper - 1, wide)
            assert row.signal == (not 1 - wide <= want <= 1 + wide)


def slow_rules(z: list[float]) -> list[set[str]]:
    """Every rule from its sentence, on every stretch of the right length."""
    def stretches(n: int) -> list[tuple[int, list[float]]]:
        return [(e, z[e - n + 1 : e + 1]) for e in range(n - 1, len(z))]

    found: list[set[str]] = [{"N1"} if abs(v) > 3 else set() for v in z]
    for n, name in ((9, "N2"), (8, "WE4")):
        for e, s in stretches(n):
            if min(s) > 0 or max(s) < 0:
                found[e].add(name)
    for e, s in stretches(6):
        steps = [b - a for a, b in zip(s, s[1:])]
        if min(steps) > 0 or max(steps) < 0:
            found[e].add("N3")
    for e, s in stretches(14):
        steps = [b - a for a, b in zip(s, s[1:])]
        if all(a * b < 0 for a, b in zip(steps, steps[1:])):
            found[e].add("N4")
    for need, n, limit, name in ((2, 3, 2, "N5"), (4, 5, 1, "N6")):
        for e in range(len(z)):
            last = z[max(0, e - n + 1) : e + 1]
            for sign in (1, -1):
                if sign * z[e] > limit and sum(sign * v > limit for v in last) >= need:
                    found[e].add(name)
    for e, s in stretches(15):
        if max(map(abs, s)) < 1:
            found[e].add("N7")
    for e, s in stretches(8):
        if min(map(abs, s)) > 1 and min(s) < 0 < max(s):
            found[e].add("N8")
    return found


def test_run_rules_by_their_sentences() -> None:
    seen: set[str] = set()
    for seed in range(300):
        scale = (1, 0.5, 0.2, 0.1)[seed % 4]
        z = [v * scale + (seed % 5 == 0) * 0.6 for v in series(seed, 60)]
        if seed % 7 == 0:
            z = sorted(z)
        if seed % 3 == 0:
            z = [v * (-1) ** i for i, v in enumerate(map(abs, z))]
        rows = list(cxm.run_rules(z, rules="all,WE4"))
        for row, want in zip(rows, slow_rules(z)):
            got = {part.split(":")[0] for part in (row.reason or "").split("; ") if part}
            assert got == want, (seed, row.period)
            assert row.signal == bool(want)
            seen |= want
    assert seen == {"N1", "N2", "N3", "N4", "N5", "N6", "N7", "N8", "WE4"}


def test_rates_in_fractions() -> None:
    import random
    from fractions import Fraction

    for seed in range(60):
        draw = random.Random(seed)
        n = [draw.choice([0, 1, 5, 40, 1000]) for _ in range(12)]
        k = [draw.randint(0, m) for m in n]
        if not any(n) or sum(k) in (0, sum(n)):
            continue
        centre = Fraction(sum(k), sum(n))
        for kind, variance in (("p", centre * (1 - centre)), ("u", centre)):
            for row, a, m in zip(cxm.chart(kind, k, n), k, n):
                if m == 0:
                    assert math.isnan(row.value) and row.signal is None
                    assert row.flags == ("NO_DATA",)
                    continue
                # 9 variance / m against the square of the distance: no roots, no rounding.
                beyond = (Fraction(a, m) - centre) ** 2 > 9 * variance / m
                assert row.signal == beyond, (seed, kind)
                assert close(row.centre, float(centre), 1e-15)
                assert close(row.sigma, math.sqrt(variance / m), 1e-14)


def test_change_points_by_trying_every_split() -> None:
    from fractions import Fraction

    for seed in range(60):
        x = [Fraction(v) for v in series(seed, 4 + seed % 20)]
        n, total = len(x), sum(x)
        gains = [
            sum(x[:k]) ** 2 / Fraction(k) + sum(x[k:]) ** 2 / Fraction(n - k) - total**2 / n
            for k in range(1, n)
        ]
        best = max(gains)
        if best == 0:
            continue
        rss = sum(v * v for v in x) - total**2 / n
        r = cxm.change_point([float(v) for v in x])
        assert gains[r.period - 1] == best and r.period == gains.index(best) + 1
        if rss > best:
            assert close(r.statistic, float(best / ((rss - best) / (n - 2))), 1e-11)
            assert (r.verdict == "change") == (n * math.log(rss / (rss - best)) > 2 * math.log(n))
        rank = [2 * sum(b < a for b in x) + sum(b == a for b in x) + 1 for a in x]
        u = [abs(sum(rank[:k]) - k * (n + 1)) for k in range(1, n)]
        assert cxm.change_point([float(v) for v in x], method="pettitt").statistic == max(u)


def test_random_series_of_shares_stay_inside_their_levels() -> None:
    """Under no change a p below 0.1 comes in about one of ten series: 200 of them, 99 orders."""
    import random

    draw = random.Random(5)
    below = 0
    for seed in range(200):
        x = [draw.random() for _ in range(12)]
        below += cxm.change_point(x, permutations=99, seed=seed).p <= 0.1
    assert 8 <= below <= 36  # 20 expected, standard deviation 4.2


def test_sums_start_anew_after_a_gap() -> None:
    x = [2.0, 2.0, None, 2.0]
    split = cxm.chart("cusum", x, target=0, k=0.5, h=9, gaps="split")["cusum_high"]
    assert split.to_dict()["value"][:2] == [1.5, 3.0] and split.to_dict()["value"][3] == 1.5
    skip = cxm.chart("cusum", x, target=0, k=0.5, h=9, gaps="skip")["cusum_high"]
    assert skip.to_dict()["value"][3] == 4.5
    assert skip.to_dict()["step"] == [1, 2, None, 3] and split.to_dict()["step"][3] == 1


def test_of_equal_splits_the_first() -> None:
    assert cxm.change_point([1, 3, 3, 1], [4, 4, 4, 4]).period == 1
    assert cxm.change_point([1, 3, 3, 1]).period == 1
    assert cxm.change_point([1, 3, 3, 1], method="pettitt").period == 1
    # after 2: 12^2 / 2 + 22^2 / 6 = 152 2/3; after 6: 29^2 / 6 + 5^2 / 2, the same
    halves = [5, 7, 1, 0, 5, 11, 2, 3]
    assert cxm.change_point(halves).period == 2
    assert cxm.change_point([x / 10 for x in halves]).period == 2


@pytest.mark.parametrize("kind", ["ewma", "cusum"])
@pytest.mark.parametrize("gaps", ["split", "skip"])
def test_a_gap_between_two_parts(kind: str, gaps: str) -> None:
    """Charts in two parts are those in one, also where the first ends with what is missing."""
    x = [12, 13, math.nan, 11, 14]
    known: dict[str, Any] = {"target": 10, "sigma": 2, "gaps": gaps}
    measure = "ewma" if kind == "ewma" else "cusum_high"
    whole = [(row.value, row.upper) for row in cxm.chart(kind, x, **known)[measure]]
    for cut in (2, 3):
        first = cxm.chart(kind, x[:cut], **known)
        second = cxm.chart(kind, x[cut:], start=first, **known)[measure]
        assert [(row.value, row.upper) for row in second][3 - cut:] == whole[3:]


def test_shares_of_something_else_than_rows_are_no_p_charts() -> None:
    """A share of money times the number of customers is no count, though rounding would make it one."""
    months = [datetime.date(2024, 1 + i // 3, 1) for i in range(12)]
    g = cxm.revenue([100, 200, 300] * 4, [100, 150, 0] * 4, by=cxm.month(months), measures="all")
    for name in ("grr", "gross_churn"):
        error = refused(f'{name} of revenue is no share of counted rows; use "xmr"', cxm.chart,
                        "p", g[name])
        assert error.status == "EUNSUPPORTED"
        with pytest.raises(cxm.Error, match="no share of counted rows"):
            cxm.change_point(g[name], method="proportion")
    assert [row.value for row in cxm.chart("p", g["logo_churn"])] == [1 / 3] * 4
    churn = cxm.Tally("churn", denominator="average")
    churn.add(active_before=[1, 1, 0] * 4, active_after=[1, 0, 1] * 4, by=cxm.month(months))
    assert churn.estimate().group(months[0]).value == 0.5
    refused('churn of churn is no share of counted rows; use "xmr"', cxm.chart, "p", churn)


def test_few_failures_keep_their_digits() -> None:
    """3, 5, 1, 4, 2 failures of 10^11 each, as of 10^11 successes that are as few."""
    failures, size = [3, 5, 1, 4, 2], 10**11
    for kind in ("p", "laney"):
        mirror = cxm.chart(kind, failures, [size] * 5)
        r = cxm.chart(kind, [size - k for k in failures], [size] * 5)
        for row, other in zip(r, mirror):
            for axis in ("sigma", "sigma_z"):
                assert row.axes[axis] == pytest.approx(other.axes[axis], rel=1e-14, abs=0)
    # centre 3 / 10^11; |2| + |4| + |3| + |2| over 4 and sqrt(3)
    assert close(r.to_dict()["sigma_z"][0], 11 / 4 / math.sqrt(3) / 1.128, 1e-10)
