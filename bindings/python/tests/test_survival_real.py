# SPDX-License-Identifier: GPL-3.0-or-later
"""Survival curves of public data against R: the figures are in survival_r.txt, which
tests/reference/survival.R writes. Left out where the data are not at hand: see conftest.py."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import cxm
import pandas as pd
import pytest
from conftest import REAL_DATA

LINES = [
    line.split("\t") for line in
    (Path(__file__).parent / "survival_r.txt").read_text(encoding="utf-8").splitlines()
]
COLUMNS = {
    "lung": ("time", "dead", "sex", "ph.ecog"),
    "rossi": ("week", "arrest", "fin", "race"),
    "waltons": ("T", "E", "group", None),
}
pytestmark = pytest.mark.real
TYPES = {"arcsin": "arcsine"}


def frame_of(name: str) -> Any:
    frame = pd.read_csv(REAL_DATA / "survival_a" / (
        "waltons_dataset.csv" if name == "waltons" else f"{name}.csv"
    ))
    if name == "lung":
        frame["dead"] = frame.status - 1
        frame["entry"] = [t // 4 if i % 3 == 2 else 0 for i, t in enumerate(frame.time)]
    return frame


def close(got: float, want: float, rel: float = 2e-13) -> bool:
    if math.isnan(got) or math.isnan(want):
        return math.isnan(got) and math.isnan(want)
    return abs(got - want) <= rel * max(abs(want), 1e-3)


def rows_of(name: str, prefix: str) -> list[tuple[str, str, float, list[float]]]:
    return [
        (group, what.partition(":")[2], float(argument), [float(n) for n in numbers])
        for data, group, what, argument, *numbers in LINES
        if data == name and what.partition(":")[0] == prefix
    ]


def curves_of(name: str, group: str, **more: Any) -> Any:
    frame = frame_of(name)
    time, event, by, _ = COLUMNS[name]
    if group == "entry":
        return cxm.kaplan_meier(time, event, entry="entry", data=frame, few=1, **more)
    if group == "":
        return cxm.kaplan_meier(time, event, data=frame, **more)
    r = cxm.kaplan_meier(time, event, data=frame, by=by, **more)
    return r.group(group if name == "waltons" else int(group))


@pytest.mark.parametrize("name", COLUMNS)
def test_curves_and_limits(name: str) -> None:
    kinds = {(group, kind) for group, kind, _, _ in rows_of(name, "curve")}
    for group, kind in kinds:
        r = curves_of(name, group, interval=TYPES.get(kind, kind))["survival"].to_dict()
        found = {t: i for i, t in enumerate(r["time"])}
        for g, k, time, (n, d, c, s, se, lower, upper) in rows_of(name, "curve"):
            if (g, k) != (group, kind):
                continue
            i = found[time]
            assert (r["at_risk"][i], r["events"][i], r["censored"][i]) == (n, d, c)
            assert close(r["value"][i], s)
            if s == 0 or s == 1:  # R and we differ at the ends: see the definitions
                continue
            assert close(r["std_error"][i], se)
            assert close(r["lower"][i], lower) and close(r["upper"][i], upper)


@pytest.mark.parametrize("name", COLUMNS)
def test_quantiles(name: str) -> None:
    for group, kind, p, want in rows_of(name, "quantile"):
        q = curves_of(name, group, interval=TYPES.get(kind, kind)).quantile(p)
        assert all(close(a, b) for a, b in zip((q.value, q.lower, q.upper), want)), (
            group, kind, p, q.value, q.lower, q.upper, want,
        )


@pytest.mark.parametrize("name", COLUMNS)
def test_restricted_means_and_hazards(name: str) -> None:
    for group, _, tau, (mean, error) in rows_of(name, "rmst"):
        m = curves_of(name, group).rmst(tau)
        assert close(m.value, mean) and close(m.std_error, error)
    for group, kind, time, (hazard, error) in rows_of(name, "hazard"):
        h = curves_of(name, group, hazard=kind)["hazard"].to_dict()
        i = h["time"].index(time)
        assert close(h["value"][i], hazard) and close(h["std_error"][i], error)


@pytest.mark.parametrize("name", COLUMNS)
def test_logrank(name: str) -> None:
    frame = frame_of(name)
    time, event, by, stratum = COLUMNS[name]
    for _, kind, rho, (statistic, *sums) in rows_of(name, "logrank"):
        if kind == "by stratum":
            r = cxm.logrank(time, event, data=frame, by=stratum, missing_key="leave_out")
            assert close(r.statistic, statistic) and r.df == sums[0]
            continue
        strata = stratum if kind == "strata" else None
        r = cxm.logrank(time, event, data=frame, by=by, strata=strata, rho=rho,
                        missing_key="leave_out")
        got = r["observed"].to_dict()["value"] + r["expected"].to_dict()["value"]
        assert close(r.statistic, statistic, 1e-11)
        assert all(close(a, b) for a, b in zip(got, sums))


def test_published_figures_of_lung() -> None:
    """As printed in many textbooks: medians 270 and 426 days, chi-square 10.3 on 1 df."""
    frame = frame_of("lung")
    r = cxm.kaplan_meier("time", "dead", data=frame, by="sex")
    assert (r.group(1).median, r.group(2).median) == (270, 426)
    test = cxm.logrank("time", "dead", data=frame, by="sex")
    assert (round(test.statistic, 1), test.df) == (10.3, 1)


def test_competing_risks() -> None:
    """prodlim, survival's infinitesimal jackknife and etm; cmprsk has the same curve and another
    variance."""
    frame = frame_of("lung")
    frame["cause"] = [
        0 if not dead else 1 if age < 60 else 2 if age < 70 else 3
        for dead, age in zip(frame.dead, frame.age)
    ]
    times = sorted({t for _, _, t, _ in rows_of("lung", "incidence")})
    r = cxm.competing_risks("time", "cause", data=frame, times=times)
    for cause, _, time, (f, se, f2, se2, f3, se3, f4) in rows_of("lung", "incidence"):
        rows = r[f"incidence[{cause}]"].to_dict()
        i = times.index(time)
        assert all(close(rows["value"][i], want) for want in (f, f2, f3, f4))
        assert all(close(rows["std_error"][i], want, 1e-11) for want in (se, se2, se3))


def test_churn_of_a_telecom_company() -> None:
    """Months as a subscriber: whole numbers, so that any partition merges to the same bytes."""
    frame = pd.read_csv(REAL_DATA / "iran_churn" / "iran_churn.csv")
    r = cxm.kaplan_meier("subscription_length", "churn", data=frame, by="tariff_plan", total=True)
    assert r.groups == [1, 2] and r.total["survival"].to_dict()["n"][0] == 3150
    assert r.total["survival"].to_dict()["events"].__len__() == \
        frame.subscription_length.nunique()
    assert sum(r.total["survival"].to_dict()["events"]) == 495
    parts = [
        cxm.Tally("survival").add(duration="subscription_length", event="churn",
                                  by="tariff_plan", data=frame[i::7].reset_index(drop=True))
        for i in range(7)
    ]
    assert cxm.merge(parts).save() == r.tally.save()


def test_pairs_of_lung_patients() -> None:
    """Figures of tests/reference/pairwise_logrank.R: survdiff of every two groups, Holm."""
    lung = pd.read_csv(REAL_DATA / "survival_a" / "lung.csv")
    rows = lung[lung["ph.ecog"].isin([0, 1, 2])].astype({"ph.ecog": int})
    r = cxm.logrank(rows["time"], rows["status"] == 2, by=rows["ph.ecog"], pairwise=True)
    got = [(row.group, row.against, row.statistic, row.p_adjusted) for row in r["pairwise"]]
    want = [(0, "1", 3.45683054999783, 0.0629909490512577),
            (0, "2", 16.6823281469442, 0.000132572220673001),
            (1, "2", 8.43344637807303, 0.00736762971553978)]
    for (a, b, chi2, p), (wa, wb, wchi2, wp) in zip(got, want):
        assert (a, b) == (wa, wb)
        assert (chi2, p) == (pytest.approx(wchi2, rel=1e-12), pytest.approx(wp, rel=1e-11))
    assert len(got) == 3 and r.df == 2
    with pytest.raises(cxm.Error, match="adjust"):
        cxm.logrank([1, 2], [1, 1], by=["a", "b"], adjust="tukey")
