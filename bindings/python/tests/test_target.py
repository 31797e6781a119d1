# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets and scorecards: the worked rows, groups, weights, names, hints, printing."""

from __future__ import annotations

import math
import pickle

import pytest
from helpers import close, counts, refused

import cxm

YES = {"active_before": [1] * 500, "active_after": [1] * 480 + [0] * 20}


@pytest.mark.parametrize(
    "k, n, goal, p, lower, verdict",
    [
        (460, 500, 0.90, 0.0750892897, 0.897132461, "inconclusive"),
        (469, 500, 0.90, 0.0017618594, 0.917238491, "met"),
        (430, 500, 0.90, 0.998225906, 0.831888194, "not met"),
        (1910, 2000, 0.95, 0.164972431, 0.946613696, "inconclusive"),
        (60, 60, 0.95, 0.046069799, 0.951297087, "met"),
    ],
)
def test_rows(k: int, n: int, goal: float, p: float, lower: float, verdict: str) -> None:
    r = cxm.target(successes=k, n=n, target=goal)
    assert close(r.p_value, p, 1e-8) and close(r.lower_bound, lower, 1e-8)
    assert r.verdict == verdict
    assert r.value == k / n and r.n == n
    again = cxm.target(cxm.csat([5] * k + [1] * (n - k)), goal)
    assert (again.p_value, again.verdict, again.n_needed) == (r.p_value, r.verdict, r.n_needed)
    assert again.metric == "csat"


def test_answers_needed() -> None:
    assert cxm.target(successes=58, n=58, target=0.95).n_needed == 59
    assert cxm.target(successes=28, n=28, target=0.90).n_needed == 29
    assert cxm.target(successes=469, n=500, target=0.90).n_needed is None
    assert cxm.target(successes=9, n=10, target=0.90).n_needed is None
    r = cxm.target(successes=93, n=100, target=0.90)
    assert r.n_needed == 288
    assert close(r.p_mid, 0.161603238620) and close(r.p_two_sided, 0.404229749164)
    assert close(r.wilson_lower, 0.875739886933)


def test_nps() -> None:
    scores = counts(2, 0, 1, 1, 2, 4, 5, 10, 15, 20, 20)  # 15, 25, 40
    r = cxm.target(cxm.nps(scores), 20)
    assert close(r.p_value, 0.10352877339527944) and r.n_needed == 136
    assert r.verdict == "inconclusive" and r.point_pass is True
    plain = cxm.target(detractors=15, passives=25, promoters=40, target=20)
    assert (plain.p_value, plain.n_needed) == (r.p_value, r.n_needed)
    # One-sided limits at 5 % are those of the two-sided interval at 90 %.
    score = cxm.nps(scores, level=0.9, interval="score")
    assert close(r.lower_bound, score.lower) and close(r.upper_bound, score.upper)
    wald = cxm.nps(scores, level=0.9)
    assert close(r.adjusted_lower, wald.lower) and close(r.adjusted_upper, wald.upper)
    assert cxm.target(cxm.nps(scores), 40, measure="mean", alpha=0.2).verdict == "not met"


def test_directions() -> None:
    churn = cxm.churn(**YES)
    assert cxm.target(churn, 0.05).direction == "at_most"
    assert cxm.target(churn, 0.05).n_needed == 1332
    assert cxm.target(churn, 0.05, direction="at_least").p_value > 0.8
    assert cxm.target(churn, 0.06).verdict == "met"
    assert cxm.target(churn, 0.06, direction="at_least").verdict == "not met"
    assert cxm.target(churn, 0.039, census=True).verdict == "not met"
    assert math.isnan(cxm.target(churn, 0.039, census=True).p_value)


def test_groups_and_totals() -> None:
    g = cxm.nps([10, 9, 3, 8, 7, 10, 8, 0] * 20, by=list("abababba") * 20)
    r = cxm.target(g, 40, total=True)
    assert r.groups == ["a", "b"] and len(r) == 3
    assert r.group("b").verdict == "met" and r.group("a").verdict == "not met"
    assert r.total.p_value == cxm.target(g.total, 40).p_value
    alone = cxm.target(g.group("b"), 40)
    assert alone.p_value == r.group("b").p_value and alone.groups == ["b"]
    assert cxm.target(g["promoters"], 0.5).measures == ["promoters"]
    assert cxm.target(g.tally, 40).to_dict()["p_value"] == r.to_dict()["p_value"][:2]
    assert r.to_dict()["lower"] == [x.lower for x in [*g, g.total["nps"]]]
    assert cxm.target(cxm.nps([]), 40).verdict == "inconclusive"


def test_scorecard() -> None:
    g = cxm.nps([10, 9, 3, 8, 7, 10, 8, 0] * 20, by=list("abababba") * 20)
    csat, churn = cxm.csat([5, 4, 4, 3, 5, 5] * 30), cxm.churn(**YES)
    card = cxm.scorecard([g.total, csat, churn], targets={
        "nps": 40, "csat": 0.9, "nps.detractors": 0.3, "churn": ("at_most", 0.05)})
    table = card.to_dict()
    assert table["measure"] == ["nps", "detractors", "csat", "churn"]
    assert table["verdict"] == ["not met", "inconclusive", "not met", "inconclusive"]
    assert table["target"] == [40, 0.3, 0.9, 0.05]
    assert table["n_needed"] == [None, 243, None, 1332]
    assert table["value"] == [g.total.value, 0.25, csat.value, churn.value]
    assert table["lower"][2] == csat.lower
    grouped = cxm.scorecard([g, csat], targets={"csat": 0.9})
    assert grouped.to_dict()["group"] == ["a", "b", None]
    assert grouped.to_dict()["verdict"] == [None, None, "not met"]
    named = cxm.scorecard({"A": g.group("a"), "B": g.group("b")}, targets={"B": 40})
    assert named.to_dict()["metric"] == ["A", "B"]
    assert named.to_dict()["verdict"] == [None, "met"]
    dotted = cxm.scorecard({"v1.2": csat}, targets={"v1.2": 0.9, "v1.2.top": 0.3})
    assert dotted.to_dict()["target"] == [0.9, 0.3]
    assert len(cxm.scorecard([csat])) == 1
    assert len(cxm.scorecard([cxm.csat([5, 4, 1], measures="all")])) == 12


def test_scorecard_levels_and_intervals() -> None:
    r = cxm.csat([5, 4, 4, 3] * 30, level=0.9, interval="jeffreys", measures=["csat", "mean"])
    table = cxm.scorecard([r, cxm.nps([9, 3])], targets={"csat": 0.9}).to_dict()
    assert table["interval"] == ["jeffreys", "t", "adjusted-wald"]
    assert table["level"] == [0.9, 0.9, 0.95]
    both = cxm.scorecard([r], targets={"csat": 0.9, "csat.top": 0.1}, direction={
        "csat.top": "at_most"})
    assert both.to_dict()["direction"] == ["at_least", None, "at_most"]
    assert cxm.scorecard(r, targets={"csat": 0.9}, direction="at_most").verdict == "met"


def test_tables() -> None:
    import polars as pl
    import pyarrow as pa

    card = cxm.scorecard([cxm.csat([5, 4, 1]), cxm.nps([9, 3])], targets={"csat": 0.9})
    frame = pl.DataFrame(card)
    assert frame["verdict"].to_list() == ["inconclusive", None]
    assert frame["target"].to_list() == [0.9, None]
    assert pa.table(card)["n_needed"].to_pylist()[1] is None
    assert list(card.to_pandas()["verdict"])[0] == "inconclusive"


def test_printing() -> None:
    shown = str(cxm.scorecard({"A": cxm.csat([5, 4, 1] * 40), "B": cxm.nps([9, 3])},
                              targets={"A": 0.9}))
    lines = shown.splitlines()
    assert lines[0] == "Report (95 %)     2 rows"
    assert lines[1].split()[:3] == ["measure", "metric", "value"]
    assert lines[2].split()[:2] == ["csat", "A"] and "not met" in lines[2]


def test_refused() -> None:
    csat = cxm.csat([5, 4, 1])
    refused("the target of a share must be from 0 to 1, not 90; did you mean 0.9?",
            cxm.target, csat, 90)
    refused("the target of a share must be from 0 to 1, not 90; did you mean 0.9?",
            cxm.scorecard, [csat], targets={"csat": 90})
    refused("targets: none of the results is called 'cast'; did you mean 'csat'?",
            cxm.scorecard, [csat], targets={"cast": 0.9})
    refused("targets: none of the results is called 'churn'; there are csat",
            cxm.scorecard, [csat], targets={"churn": 0.9})
    refused("give a result, or successes and n, or promoters, passives and detractors",
            cxm.target, target=0.9)
    refused("target must be a number, not None", cxm.target, csat)
    refused("direction must be 'at_least' or 'at_most', not 'up'",
            cxm.target, csat, 0.9, direction="up")
    refused("alpha must be at least 1e-12 and below 0.5, such as 0.05, not 0.5",
            cxm.target, csat, 0.9, alpha=0.5)
    refused("successes must not exceed n", cxm.target, successes=5, n=4, target=0.9)
    refused("n must be a whole number, 0 or more, not 4.5",
            cxm.target, successes=4, n=4.5, target=0.9)
    refused("targets are for results and tallies, not for a int", cxm.target, 5, 0.9)
    error = refused(
        "successes has no standard error, so that no test is possible; if everybody was "
        "counted, ask for a census",
        cxm.target, cxm.share([1, 0]), 1, measure="successes",
    )
    assert error.status == "EUNSUPPORTED"
    assert pickle.loads(pickle.dumps(error)).status == "EUNSUPPORTED"
    with pytest.raises(cxm.Error, match="a target is a number, or a pair"):
        cxm.scorecard([csat], targets={"csat": (1, 2, 3)})


def test_weights() -> None:
    scores, weight = [10, 9, 6, 8, 10, 3, 9, 7, 9, 10, 8, 2], [10, 10, 12, 8, 8, 15] * 2
    plain, weighted = cxm.nps(scores), cxm.nps(scores, weight=weight)
    even = cxm.nps(scores, weight=[3.0] * 12)
    assert cxm.target(weighted, 60).p_value != cxm.target(plain, 60).p_value
    # Equal weights: the linearised variance has n - 1 for n.
    assert math.isclose(cxm.target(even, 0).p_value, cxm.target(plain, 0).p_value, rel_tol=0.1)
    assert cxm.target(weighted, 60, measure="mean").verdict == "not met"


def test_rates_of_events() -> None:
    from scipy import stats

    r = cxm.target(cxm.complaints([17], [8450]), 3)
    assert r.direction == "at_most" and close(r.p_value, stats.poisson.cdf(17, 25.35))
    assert close(r.p_greater, stats.poisson.sf(16, 25.35))
    assert close(r.upper_bound, stats.chi2.ppf(0.95, 36) / 2 / 8.45)
    nobody = cxm.target(cxm.complaints([0] * 500, [1] * 500), 5)  # no complaint proves nothing yet
    assert nobody.verdict == "inconclusive" and close(nobody.p_value, math.exp(-2.5))
    assert nobody.n_needed == math.ceil(-math.log(0.05) / 0.005)
    assert cxm.target(cxm.complaints([0] * 600, [1] * 600), 5).verdict == "met"


def test_designs_rest_on_effective_answers() -> None:
    scores = [10, 9, 6, 8, 10, 3, 9, 7, 9, 10, 8, 2]
    weight = [10, 10, 12, 8, 8, 15, 15, 20, 20, 25, 25, 30]
    stratum, psu = [1] * 7 + [2] * 5, [1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5]
    nps = cxm.nps(scores, weight=weight, strata=stratum, cluster=psu, level=0.9, interval="score")
    r = cxm.target(nps, 50)
    # n_d = v / se^2 = 26.13; with df = 3 at 90 % in the place of 11
    assert close(r.lower_bound, nps.lower, 1e-9) and close(r.upper_bound, nps.upper, 1e-9)
    share = cxm.share([s >= 9 for s in scores], weight=weight, strata=stratum, cluster=psu,
                      level=0.9, interval="clopper-pearson")
    r = cxm.target(share, 0.5)
    assert close(r.lower_bound, share.lower, 1e-9) and close(r.upper_bound, share.upper, 1e-9)
    assert r.verdict == "inconclusive" and r.n_needed > 12
    mean = cxm.mean([float(s) for s in scores], weight=weight, strata=stratum, cluster=psu,
                    level=0.9)
    r = cxm.target(mean, 7)
    assert close(r.lower_bound, mean.lower) and close(r.upper_bound, mean.upper)


def test_quantiles_have_no_test() -> None:
    tally = cxm.Tally("quantiles").add(value=[float(x) for x in range(100)])
    with pytest.raises(cxm.Error, match="has no standard error"):
        cxm.target(tally, 50)
    assert cxm.target(tally, 40, census=True).verdict == "met"


@pytest.mark.parametrize("n", [10**7, 10**9, 10**13, 2**50])
@pytest.mark.parametrize("failures", [1, 3, 17])
def test_few_failures_of_many_stay_counts(n: int, failures: int) -> None:
    """A tally's answers are judged as counts, not as effective numbers a rounding away."""
    goal = 1 - 2 * failures / n
    share = list(cxm.target(cxm.share([1, 0], freq=[n - failures, failures]), goal))[0]
    counts = cxm.target(successes=n - failures, n=n, target=goal)
    for name in ("p_value", "p_mid", "p_two_sided", "lower_bound", "upper_bound", "n_needed"):
        assert share.axes[name] == getattr(counts, name), name
    net = list(cxm.target(cxm.nps([10, 7, 0], freq=[n - 2 * failures, failures, failures]), 99.0))[0]
    plain = cxm.target(promoters=n - 2 * failures, passives=failures, detractors=failures, target=99.0)
    for name in ("p_value", "lower_bound", "upper_bound", "n_needed"):
        assert net.axes[name] == getattr(plain, name), name
