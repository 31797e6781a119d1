# SPDX-License-Identifier: GPL-3.0-or-later
"""Sampling designs through Python: the mini design of the definitions (survey, section 7)."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

import cxm

MINI: dict[str, list[Any]] = {
    "stratum": list("aaaaaaabbbbb"),
    "psu": [1, 1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 2],
    "w": [10, 10, 12, 8, 8, 15, 15, 20, 20, 25, 25, 30],
    "score": [10, 9, 6, 8, 10, 3, 9, 7, 9, 10, 8, 2],
    "domain": [1, 2, 1, 1, 2, 2, 1, 1, 2, 2, 1, 2],
    "age": [1, 1, 2, 2, 1, 2, 1, 2, 1, 1, 2, 2],
    "N": [12] * 7 + [8] * 5,
}
DESIGN = {"weight": "w", "strata": "stratum", "cluster": "psu", "data": MINI}


def close(got: float, want: float) -> bool:
    return math.isclose(got, want, rel_tol=1e-10, abs_tol=5e-13)


def refused(status: str, text: str, **changed: Any) -> cxm.Error:
    with pytest.raises(cxm.Error) as caught:
        cxm.nps("score", **{**DESIGN, **changed})
    assert caught.value.status == status
    assert text in str(caught.value)
    return caught.value


def test_standard_errors() -> None:
    r = cxm.nps("score", **DESIGN)
    assert close(r.value, 15.656565656566)
    assert close(r.std_error, 16.458533780129)
    assert close(r["mean"].std_error, .588578626293)
    assert close(r["promoters"].std_error, .068503786870)
    assert close(cxm.nps("score", fpc="N", **DESIGN).std_error, 14.253508362636)
    assert close(cxm.total("score", **DESIGN).std_error, 216.960825957130)
    assert close(cxm.ratio("score", "age", **DESIGN).std_error, .561288719798)
    strata = cxm.nps("score", data=MINI, weight="w", strata="stratum")
    assert close(strata.std_error, 29.558466785150)


def test_intervals_by_name() -> None:
    r = cxm.nps("score", interval="wald-t", **DESIGN)
    assert close(r.lower, -36.721834362394) and close(r.upper, 68.034965675525)
    share = cxm.nps("score", interval="korn-graubard", measures="promoters", **DESIGN)["promoters"]
    assert close(share.lower, .248356240482) and close(share.upper, .654091735840)
    assert share.interval == "korn-graubard"
    logit = cxm.nps("score", interval="logit", measures="promoters", **DESIGN)["promoters"]
    assert close(logit.lower, .248601947915) and close(logit.upper, .659214431691)


def test_domains_keep_the_design() -> None:
    g = cxm.nps("score", by="domain", **DESIGN)
    assert g.groups == [1, 2]
    assert [close(row.std_error, want) for row, want in zip(g, (18.211897774412, 36.778936073497))]
    assert close(g.total.std_error, 16.458533780129)
    assert g.total.value == cxm.nps("score", **DESIGN).value
    assert g.total.std_error == cxm.nps("score", **DESIGN).std_error
    assert g.to_dict()["domain"] == [1, 2]


def test_design_effects() -> None:
    d = cxm.nps("score", **DESIGN).design
    assert (d.strata, d.clusters, d.df) == (2, 5, 3)
    assert close(d.deff, .448136441396) and close(d.deff_weight, 1.185185185185)
    assert close(d.n_eff_kish, 10.125) and close(d.n_eff_design, 26.129714831649)
    assert "strata=2" in repr(d)
    weights = cxm.nps("score", data=MINI, weight="w")
    assert weights.design.df == 11 and close(weights.deff, 1.289524850971)
    assert isinstance(d, cxm.Design)


def test_missing_answers_stay_in_the_design() -> None:
    """A stratum without a single answer still has its units."""
    score = [None] * 7 + MINI["score"][7:]
    r = cxm.nps(score, **DESIGN)
    assert (r.n, r.missing) == (5, 7)
    assert (r.design.strata, r.design.clusters) == (2, 5)
    lost = cxm.nps(MINI["score"][7:], weight=MINI["w"][7:], strata=MINI["stratum"][7:],
                   cluster=MINI["psu"][7:])
    assert close(r.value, lost.value) and close(r.std_error, lost.std_error)
    assert lost.design.strata == 1


def test_finite_population_of_a_simple_sample() -> None:
    answers = [5] * 120 + [2] * 80
    r = cxm.csat(answers, fpc=1000)
    assert close(r.std_error, .031061618126)
    assert close(r.lower, .538201663237) and close(r.upper, .658771676863)
    assert cxm.csat(answers, fpc=200).ci == (.6, .6)


def test_two_stages_by_name_and_by_value() -> None:
    names = cxm.mean("score", data=MINI, cluster=["stratum", "psu"], fpc=[40, "N"])
    values = cxm.mean(MINI["score"], cluster=[MINI["stratum"], MINI["psu"]],
                      fpc=[[40] * 12, MINI["N"]])
    assert names.std_error == values.std_error
    first = cxm.mean("score", data=MINI, cluster="stratum", fpc=40)
    assert names.std_error > first.std_error


def test_lonely_strata() -> None:
    alone = [1] * 11 + [2]
    refused("ELONELY", "stratum 2 has only one cluster", strata=alone)
    certain = cxm.nps("score", **{**DESIGN, "strata": alone, "lonely": "certainty"}).std_error
    adjusted = cxm.nps("score", **{**DESIGN, "strata": alone, "lonely": "adjust"}).std_error
    assert 0 < certain < adjusted
    refused("EINVAL", "lonely must be 'error' or 'certainty' or 'adjust'", lonely="skip")
    tally = cxm.Tally("nps").add(score=MINI["score"], strata=alone)
    with pytest.raises(cxm.Error, match="only one row"):
        tally.estimate().value  # noqa: B018
    assert tally.estimate(lonely="certainty").std_error > 0


def test_what_is_wrong_is_named() -> None:
    missing = refused("EDATA", "stratum: row 3 is missing", data={
        **MINI, "stratum": [1, 1, 1, None] + [2] * 8})
    assert (missing.column, missing.row) == ("stratum", 3)
    refused("EDATA", "of stratum a 3 clusters were drawn, more than its population of 2",
            fpc=[2] * 7 + [8] * 5)
    refused("EINCONSISTENT", "stratum b has populations of 8 and 9", fpc=[12] * 7 + [8] * 4 + [9])
    refused("EDATA", "fpc: row 0 is 0.5", fpc=[.5] * 12)
    refused("EINVAL", "one stage or two, not 3", cluster=["psu", "psu", "psu"])
    refused("EINVAL", "a second fpc counts the units of each cluster", cluster=None,
            fpc=["N", "N"])


def test_tallies_of_a_design_merge_in_any_order() -> None:
    whole = cxm.Tally("nps").add(score="score", by="domain", **DESIGN)
    parts = []
    for first in range(0, 12, 5):
        some = {name: column[first:first + 5] for name, column in MINI.items()}
        parts.append(cxm.Tally("nps").add(score="score", by="domain", **{**DESIGN, "data": some}))
    assert cxm.merge(parts).save() == whole.save()
    assert cxm.merge(p.save() for p in reversed(parts)) == whole
    assert len(whole.groups) == 2
    assert cxm.Tally.from_rows(whole.rows()) == whole
    assert cxm.Tally.info(whole).groups == cxm.Tally.info(whole.save()).groups == 2
    with pytest.raises(cxm.Error, match="the sampling designs differ"):
        whole.copy().merge(cxm.Tally("nps").add(score=[1], weight=[1], by={"domain": [1]}))


def test_jackknife() -> None:
    r = cxm.nps("score", **DESIGN)
    assert close(r.jackknife, 17.310085741946)
    g = cxm.nps("score", by="domain", **DESIGN)
    assert close(g.total.jackknife, 17.310085741946)
    assert close(g.group(1).jackknife, 18.8568374683167)
    assert close(r["promoters"].jackknife, 0.0721742766826699)
    for wrong in ({"cluster": None}, {"weight": None}):
        with pytest.raises(cxm.Error) as caught:
            cxm.nps("score", **{**DESIGN, **wrong}).jackknife
        assert caught.value.status == "EINVAL"
    w = cxm.poststratify("w", by="age", totals={1: 120, 2: 90}, data=MINI)
    with pytest.raises(cxm.Error, match="calibrated weights have no jackknife"):
        cxm.nps("score", **{**DESIGN, "weight": w}).jackknife


@pytest.mark.parametrize("seed", range(6))
def test_jackknife_is_what_replicates_give(seed: int) -> None:
    """Every unit left out by hand: weights of 0, and n / (n - 1) for its neighbours."""
    rng = random.Random(seed)
    n, answers = 60, range(11)
    score = [rng.choice(answers) for _ in range(n)]
    amount = [rng.uniform(1, 9) for _ in range(n)]
    left = [rng.random() < 0.6 for _ in range(n)]
    reason = [rng.choice("abc") if x else None for x in left]
    stratum = [rng.randrange(3) for _ in range(n)]
    psu = [rng.randrange(3) for _ in range(n)]
    second = [rng.randrange(2) for _ in range(n)]
    weight = [rng.uniform(0.5, 3) for _ in range(n)]
    calls = [
        (cxm.nps, (score,), {}, ["nps", "promoters", "share[7]"]),
        (cxm.csat, ([1 + s // 2 if s < 10 else 5 for s in score],), {}, None),
        (cxm.mean, (amount,), {}, ["mean"]), (cxm.total, (amount,), {}, ["total"]),
        (cxm.ratio, (score, amount), {}, ["ratio"]), (cxm.share, (left,), {}, ["share"]),
        (cxm.churn, ([True] * n, left), {"reason": reason}, None),
        (cxm.retention, ([True] * n, left), {}, None),
    ]
    units = sorted(set(zip(stratum, psu)))
    size = {h: sum(u[0] == h for u in units) for h in range(3)}
    for clusters in (psu, [psu, second]):
        for call, columns, extra, names in calls:
            r = call(*columns, weight=weight, strata=stratum, cluster=clusters, **extra)
            replicates = []
            for h, c in units:
                w = [
                    0.0 if (a, b) == (h, c) else x * size[h] / (size[h] - 1) if a == h else x
                    for x, a, b in zip(weight, stratum, psu)
                ]
                replicates.append((h, call(*columns, weight=w, **extra)))
            for name in names or r.measures:
                values = [x[name].value for _, x in replicates]
                middle = math.fsum(values) / len(values)
                variance = math.fsum(
                    (size[h] - 1) / size[h] * (x - middle) ** 2
                    for (h, _), x in zip(replicates, values)
                )
                if math.isnan(r[name].std_error):
                    assert math.isnan(r[name].jackknife), name
                else:
                    assert close(r[name].jackknife, math.sqrt(variance)), (seed, name)
    assert math.isnan(cxm.mean(amount, weight=weight, cluster=psu)["sd"].jackknife)


def test_units_that_cancel_have_no_scatter() -> None:
    """A domain of one cluster, and clusters that answer alike: exactly 0, not its rounding."""
    cluster, second = [1, 1, 1, 2, 2], [1, 2, 3, 1, 2]
    for answers in ([10, 8, 0], [9, 9, 6]):
        r = cxm.nps([*answers, 10, 3], cluster=[cluster, second], by=cluster).group(1)
        assert r.std_error == r["promoters"].std_error == 0
        assert "DEGENERATE" in r.flags
        # one cluster has no degrees of freedom: nothing is known, as of a mean
        assert math.isnan(r.lower) and math.isnan(r["promoters"].lower)
        assert math.isnan(r["mean"].lower)
    # three clusters of .1 and .2, to weights that no double holds: v / 0 answers, at most n
    weight = [.1, .1, .2, .1, .1, .2, .1, .1, .2]
    alike = cxm.share([1, 0, 1] * 3, weight=weight, cluster=[1] * 3 + [2] * 3 + [3] * 3)
    assert alike.std_error == 0 and alike.n == 9
    limits = cxm.share_interval(alike.value * 9, 9)
    assert close(alike.lower, limits.lower) and close(alike.upper, limits.upper)


def test_lonely_units_of_the_second_stage_without_rows_of_a_group() -> None:
    """By hand: totals 0 and 4 of two of four clusters, 8; 3 and 1 of two of four rows, 1; the only
    one of two rows of the other cluster, 4/3 away from the mean of all three rows: 4/9."""
    g = cxm.total([5, 3, 1], cluster=["a", "b", "b"], fpc=[4, [2, 4, 4]], by=[2, 1, 1],
                  lonely="adjust")
    assert close(g.group(1).std_error, math.sqrt(8 + 1 + 4 / 9))


def test_a_census_without_degrees_of_freedom() -> None:
    """One unit in each stratum, and all of them drawn: nothing is left to chance."""
    shops = {"strata": ["a", "b"], "cluster": [1, 1], "fpc": [1, 1]}
    r = cxm.nps([10, 7], **shops)
    assert (r.std_error, r.ci) == (0, (50, 50))
    assert r["mean"].ci == (8.5, 8.5) and r["promoters"].ci == (.5, .5)
    assert cxm.total([10, 7], **shops).ci == (17, 17)
    assert cxm.nps([10, 7], interval="wald-t", **shops).ci == (50, 50)
    assert cxm.share([1, 0], interval="logit", **shops).ci == (.5, .5)
    assert cxm.mean([5], fpc=1).ci == (5, 5)
    assert math.isnan(cxm.mean([5], fpc=2).lower)


def test_a_group_within_one_unit_has_no_limits_of_any_kind() -> None:
    """Its influences sum to 0 in the unit: a standard error of 0 that nobody can rely on."""
    shops = {"cluster": [1, 1, 1, 2, 2], "by": ["a", "a", "a", "b", "b"], "interval": "wald"}
    for result, value in (
        (cxm.mean([1, 2, 6, 4, 5], **shops), 3), (cxm.share([1, 0, 0, 1, 0], **shops), 1 / 3),
        (cxm.nps([10, 7, 0, 9, 9], **shops), 0), (cxm.ratio([1, 2, 6, 4, 5], [1, 1, 1, 1, 2], **shops), 3),
    ):
        one = result.group("a")
        assert close(one.value, value) and one.n == 3 and one.std_error == 0
        assert math.isnan(one.lower) and math.isnan(one.upper)
        assert not math.isnan(result.total.lower)


def test_the_design_of_a_group_without_answers() -> None:
    """Its units are there, whether anybody answered or not; those of a standard deviation too."""
    for answers, weight in (([None] * 5, None), ([1, 2, 9, 10, 3], [0] * 5)):
        d = cxm.nps(answers, weight=weight, strata=[1, 1, 2, 2, 2]).design
        assert (d.strata, d.clusters, d.df) == (2, 5, 3)
    d = cxm.mean([1, 2, 3, 4, 5, 6], cluster=[1, 1, 2, 2, 3, 3])["sd"].design
    assert (d.strata, d.clusters, d.df) == (1, 3, 2)


def test_a_group_without_a_value_has_no_known_difference() -> None:
    g = cxm.ratio([1, 2, 3, 4, 5, 6], [0, 0, 1, 2, 3, 5], by=[1, 1, 2, 2, 3, 3], cluster=[1, 2] * 3)
    rows = list(cxm.compare_groups(g, against="pairs"))
    assert [math.isnan(row.value) for row in rows] == [True, True, False]
    assert [math.isnan(row.std_error) for row in rows] == [True, True, False]
    assert ["DEGENERATE" in row.flags for row in rows[:2]] == [False, False]


def test_values_beyond_the_doubles_have_no_standard_error() -> None:
    """As without a design: their squares are none."""
    for design in ({"cluster": [1, 1, 2, 3]}, {"strata": [1, 1, 2, 2]}, {"weight": [1] * 4}):
        r = cxm.mean([1e200, -1e200, 1e200, 2e200], **design)
        assert r.value == 7.5e199 and math.isnan(r.std_error) and math.isnan(r.lower)
