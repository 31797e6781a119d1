# SPDX-License-Identifier: GPL-3.0-or-later
"""The worked numbers of the definitions, through every metric function; inputs and parameters."""

from __future__ import annotations

import inspect
import math
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers import DIMENSIONS, close, counts, mini, refused

import cxm

NAN = math.nan


def check(result: cxm.Result, *want: float, tolerance: float = 1e-10) -> None:
    """value, std_error, lower, upper: as many as are given."""
    got = (result.value, result.std_error, result.lower, result.upper)
    for have, expected in zip(got, want):
        assert close(have, expected, tolerance), (got, want)


# ---- NPS, survey definitions 1.3 ---------------------------------------------------------------

A = counts(2, 0, 1, 1, 2, 4, 5, 10, 15, 20, 20)
B = [1] * 2 + [7] * 3 + [10] * 5


def test_nps_worked() -> None:
    check(cxm.nps(A), 31.25, 8.586644790021, 13.595746441472, 46.645217413949)
    check(cxm.nps(B), 30, 24.698178070457, -19.050615376364, 65.204461530210)
    assert cxm.nps(A).n == 80
    check(cxm.nps([5]), -100, 0, -98.498649420252, 48.498649420252)
    assert "OFF_CENTRE" in cxm.nps([5]).flags
    empty = cxm.nps([])
    assert math.isnan(empty.value) and "NO_DATA" in empty.flags


@pytest.mark.parametrize(("interval", "lower", "upper"), [
    ("wald", 14.420485463520, 48.079514536480),
    ("wald-t", 14.050878526933, 48.449121473067),
    ("adjusted-wald", 13.595746441472, 46.645217413949),
    ("adjusted-wald-u", 13.511598957556, 46.729364897866),
    ("adjusted_wald_tz", 13.376606592178, 46.259760311852),
    ("adjusted-wald-uz", 13.270546622904, 46.365820281126),
    ("score", 13.48135957830, 46.85772423223),
    ("contrast", 10.232067429043, 52.267932570957),
    ("goodman", 5.927594866635, 52.394270932405),
    ("bootstrap", 13.75, 47.5),
    ("bca", 13.75, 47.5),
])
def test_nps_intervals(interval: str, lower: float, upper: float) -> None:
    r = cxm.nps(A, interval=interval)
    assert r.interval == interval.replace("_", "-")
    assert close(r.lower, lower, 1e-8) and close(r.upper, upper, 1e-8)


def test_measures_that_an_interval_does_not_fit_keep_theirs() -> None:
    r = cxm.nps(A, interval="score")
    assert r["promoters"].interval == "wilson"
    assert r["mean"].interval == "t"
    assert r.distribution[10] == 0.25
    with pytest.raises(cxm.Error, match="the interval 'wilson' does not fit nps; nps takes"):
        cxm.nps(A, interval="wilson")
    with pytest.raises(cxm.Error, match="there is no interval 'scor'; did you mean 'score'\\? nps takes "
                                        "adjusted-wald, .*, none$") as failed:
        cxm.nps(A, interval="scor")
    assert "wilson" not in str(failed.value)
    with pytest.raises(cxm.Error, match="'wilsn'; did you mean 'wilson'\\? there are none, wald"):
        cxm.share_interval(1, 2, interval="wilsn")


def test_nps_scales() -> None:
    five = counts(3, 5, 12, 30, 50, first=1)
    r = cxm.nps(five, scale=(1, 5), promoter=5, detractor=3)
    assert r.value == 30
    assert r.definition == "nps/1-5/3-5"
    with pytest.raises(cxm.Error, match="do not fit the scale 1 to 5"):
        cxm.nps(five, scale=(1, 5))


def test_nps_weighted() -> None:
    """Survey definitions 7: weights only."""
    score = [10, 9, 6, 8, 10, 3, 9, 7, 9, 10, 8, 2]
    weight = [10, 10, 12, 8, 8, 15, 15, 20, 20, 25, 25, 30]
    r = cxm.nps(score, weight=weight)
    check(r, 15.656565656566, 27.919065050943)
    assert r.sum_weight == 198 and close(r.n_eff, 10.125)
    check(cxm.mean(score, weight=weight), 7.151515151515)
    check(cxm.total(score, weight=weight), 1416)
    check(cxm.nps(score, weight=np.array(weight, "f4")), 15.656565656566, 27.919065050943)


# ---- CSAT, CES ---------------------------------------------------------------------------------

FIVE = counts(3, 5, 12, 30, 50, first=1)


def test_csat_worked() -> None:
    r = cxm.csat(FIVE)
    check(r, 0.8, 0.04, 0.711170834407, 0.866633066669)
    assert r.definition == "csat/1-5/top-2"
    assert r["top"].value == 0.5
    assert r["top2"].value == 0.8 and r["bottom2"].value == 0.08
    assert r["net"].value == pytest.approx(72)
    check(r["mean"], 4.19, 0.103176812053, 3.985274820513, 4.394725179487)
    check(r["index"], 79.75, 2.579420301329, 74.631870512837, 84.868129487164)
    assert r.distribution == {1: 0.03, 2: 0.05, 3: 0.12, 4: 0.3, 5: 0.5}


@pytest.mark.parametrize(("interval", "lower", "upper"), [
    ("wald", .721601440618, .878398559382),
    ("wilson", .711170834407, .866633066669),
    ("wilson-cc", .705677028803, .870751785913),
    ("agresti-coull", .710411589667, .867392311409),
    ("clopper-pearson", .708157310911, .873344447898),
    ("jeffreys", .713720427173, .869209584581),
    ("mid-p", .713088225085, .869753988092),
    ("logit", .710189251012, .867183871998),
])
def test_share_intervals(interval: str, lower: float, upper: float) -> None:
    check(cxm.csat(FIVE, interval=interval), 0.8, 0.04, lower, upper)


def test_levels() -> None:
    r = cxm.csat(FIVE, level=0.90)
    assert r.level == 0.90
    check(r, 0.8, 0.04, .726696191190, .857498176340)
    refused("level must be between 0 and 1; did you mean 0.95?", cxm.csat, FIVE, level=95)
    refused("level must be between 0 and 1; did you mean 0.95?", cxm.csat, FIVE, level=1)
    refused("level must be between 0 and 1; did you mean 0.9?", cxm.csat, FIVE, level=90)
    refused("level must be between 0 and 1; did you mean 0.95?", cxm.csat, FIVE, level="x")
    refused("level must be between 0 and 1; did you mean 0.95?", cxm.csat, FIVE, level=NAN)


def test_csat_needs_to_know_who_is_satisfied() -> None:
    refused(
        "satisfied has a default (4) on the scale 1 to 5 only; say which answers of 1 to 7 are "
        "satisfied", cxm.csat, [1], scale=(1, 7),
    )
    assert cxm.csat([1, 6], scale=(1, 7), satisfied=6).value == 0.5


def test_labels() -> None:
    labels = {"good": 1, "bad": 0, "offered": None}
    answers = ["good", "bad", "offered", None, "good"]
    for values in (answers, np.array(answers, object), pd.Series(answers),
                   pd.Series(answers, dtype="category"), pl.Series(answers), pa.array(answers),
                   pa.array(answers).dictionary_encode()):
        r = cxm.csat(values, labels=labels, scale=(0, 1), satisfied=1)
        assert (r.value, r.n, r.missing) == (pytest.approx(2 / 3), 3, 2)
    r = cxm.share(np.array(["yes", "no", "n/a"]), labels={"yes": True, "no": False},
                  missing_codes=["n/a"])
    assert (r.value, r.missing) == (0.5, 1)


def test_unlisted_label_is_named() -> None:
    with pytest.raises(cxm.Error) as caught:
        cxm.share(["yes", "no", "perhaps"], labels={"yes": 1, "no": 0})
    error = caught.value
    assert '"perhaps"' in str(error) and str(error).startswith("numerator: row 2 is")
    assert (error.status, error.row, error.value) == ("EDATA", 2, "perhaps")
    r = cxm.share(["yes", "no", "perhaps"], labels={"yes": 1, "no": 0}, invalid="count")
    assert (r.n, r.invalid) == (2, 1)


def test_wrong_labels() -> None:
    refused("labels: 5 is no text; labels say what text answers stand for",
            cxm.nps, [1], labels={5: 1})
    refused("labels: 'a' is to stand for 'b', which is no number; None means no answer",
            cxm.nps, [1], labels={"a": "b"})
    with pytest.raises(cxm.Error, match="labels maps texts to numbers"):
        cxm.nps([1], labels=[1])


def test_missing_codes() -> None:
    r = cxm.nps([10, 99, -99, 3], missing_codes=[99, -99, "N/A"])
    assert (r.n, r.missing) == (2, 2)
    assert cxm.nps([10, 99], missing_codes=99).missing == 1
    assert cxm.nps([10, "N/A", 3], missing_codes="N/A").missing == 1
    assert cxm.nps(np.array([10, 99], "u1"), missing_codes=(99,)).missing == 1
    assert cxm.nps([10, "great"], labels={"great": 9}).n == 2
    assert cxm.nps([9, 9], by=[99, 1], missing_codes=[99]).groups == [1, 99]
    with pytest.raises(cxm.Error, match="missing_codes is a list of numbers and texts"):
        cxm.nps([1], missing_codes=[{}])


def test_ces() -> None:
    r = cxm.ces([7, 6, 2])
    assert r.value == 5 and r.definition == "ces/1-7/high-is-easy"
    assert r["easy"].value == pytest.approx(2 / 3)
    assert r["difficult"].value == pytest.approx(1 / 3)
    hard = cxm.ces([7, 6, 2], high_is_easy=False)
    assert hard["easy"].value == pytest.approx(1 / 3)
    assert math.isnan(cxm.ces([7]).std_error)


# ---- CSI, survey definitions 3.1 ---------------------------------------------------------------

S, IMPORTANCE = mini("S"), mini("I")


def test_csi_worked() -> None:
    check(cxm.csi(S), 54.583333333333, 7.371585838731)
    weights = [0.30, 0.25, 0.20, 0.15, 0.10]
    want = (55.3125, 7.111338910394, 39.660548589840, 70.964451410160)
    check(cxm.csi(S, item_weights=weights), *want)
    check(cxm.csi(S, item_weights=dict(zip(DIMENSIONS, weights))), *want)
    by_importance = cxm.csi(S, importance=IMPORTANCE)
    check(by_importance, 54.942077727952, 7.237876351119)
    assert close(by_importance["weight[reliability]"].value, .219730941704)
    assert by_importance["mean[item]"].measures == [f"mean[{name}]" for name in DIMENSIONS]
    check(cxm.csi(S, importance=IMPORTANCE, scaling="ratio"), 63.953662182362)
    check(cxm.csi(S, importance=IMPORTANCE, importance_kind="person"),
          54.965398074434, 7.259306870505)


def test_csi_partial_answers() -> None:
    holes = {name: list(column) for name, column in S.items()}
    for row, item in ((0, 1), (2, 3), (2, 4)):
        holes[DIMENSIONS[item]][row] = None
    weights = [0.30, 0.25, 0.20, 0.15, 0.10]
    check(cxm.csi(holes, item_weights=weights), 54.618055555556, 7.408152944121)
    r = cxm.csi(holes, item_weights=weights, partial="listwise")
    check(r, 62.875, 5.898593288046)
    assert (r.n, r.missing) == (10, 2)


ITEMS: dict[str, Any] = {
    "mapping": lambda: {"items": S},
    "mapping to names": lambda: {"items": {n: n for n in DIMENSIONS}, "data": S},
    "list of names": lambda: {"items": DIMENSIONS, "data": pd.DataFrame(S)},
    "list of columns": lambda: {"items": list(S.values())},
    "tuple of arrays": lambda: {"items": tuple(np.array(c) for c in S.values())},
    "matrix": lambda: {"items": np.array(list(S.values())).T},
    "pandas": lambda: {"items": pd.DataFrame(S)},
    "polars": lambda: {"items": pl.DataFrame(S)},
    "pyarrow": lambda: {"items": pa.table(S)},
    "reader": lambda: {"items": pa.table(S).to_reader()},
}


@pytest.mark.parametrize("name", ITEMS)
def test_kinds_of_items(name: str) -> None:
    r = cxm.csi(**ITEMS[name]())
    check(r, 54.583333333333, 7.371585838731)
    first = "item1" if name in ("list of columns", "tuple of arrays", "matrix") else DIMENSIONS[0]
    assert r["mean[item]"].measures[0] == f"mean[{first}]"


def test_items_refused() -> None:
    takes = ("items takes one column per item: a mapping of names to columns, a table, or a list "
             "of columns")
    for wrong in ([1, 2, 3], "quality", 5, ["a", 1]):
        refused(takes, cxm.csi, wrong)
    refused("items: there are no items", cxm.csi, [])
    refused("items: there are no items", cxm.csi, {})
    refused("items: item 'a' is given twice", cxm.csi, ["a", "a"], data={"a": [1]})
    refused("csi needs items=", cxm.csi, None)
    refused("item_weights: there is no item 'speeed'; did you mean 'speed'?",
            cxm.csi, {"speed": [1]}, item_weights={"speeed": 1})
    refused("item_weights has no weight for 'b'",
            cxm.csi, {"a": [1], "b": [2]}, item_weights={"a": 1})
    refused("items[a]: row 1 is 9, outside 1–5. If 9 means \"no answer\" pass missing_codes=[9]; "
            "to count such rows pass invalid=\"count\".", cxm.csi, {"a": [5, 9]})
    refused("item_weights is a list of numbers, or a mapping of names to numbers, not 5",
            cxm.csi, {"a": [1]}, item_weights=5)
    refused("importance has 1 items, items has 2", cxm.csi, {"a": [1], "b": [2]},
            importance={"a": [1]})


# ---- gap, survey definitions 4 -----------------------------------------------------------------

PERCEIVED, EXPECTED = mini("P"), mini("E")


def test_gap_worked() -> None:
    g = cxm.gap(PERCEIVED, EXPECTED)
    check(g, -.683333333333, .171372946723)
    assert g.measures == ["gap", *(f"gap[{name}]" for name in DIMENSIONS)]
    check(g["gap[tangibles]"], -1, 1.348399724926 / math.sqrt(12), -1.856732311623,
          -.143267688377)
    assert close(g["t[responsiveness]"].value, -5)
    assert close(g["p[tangibles]"].value, .026094682242)
    assert close(g["dz[empathy]"].value, -.302161315895)
    assert close(g["perceived[assurance]"].value, 5.083333333333)
    assert close(g["expected[assurance]"].value, 5)
    boxes = [g[f"{b}[reliability]"].value * 12 for b in ("exceeded", "met", "short")]
    assert boxes == pytest.approx([1, 5, 6])
    short = g["short[tangibles]"]
    check(short, 8 / 12, short.std_error, .390622088873, .861879908909)


def test_gap_weighted() -> None:
    g = cxm.gap(PERCEIVED, EXPECTED, item_weights=[11, 32, 22, 19, 16])
    check(g, -.7025, .175050317441, -1.087783150958, -.317216849042)
    g = cxm.gap(PERCEIVED, EXPECTED, importance=IMPORTANCE, importance_kind="person")
    check(g, -.706576234295)


def test_gap_dimensions() -> None:
    dimension = {"soft": ["assurance", "empathy"], "hard": "tangibles"}
    g = cxm.gap(PERCEIVED, EXPECTED, dimension=dimension, dimension_weights={"soft": 1, "hard": 0})
    assert close(g["gap[soft]"].value, (.083333333333 - .416666666667) / 2)
    assert close(g["gap[hard]"].value, -1)
    assert close(g.value, g["gap[soft]"].value)
    listed = cxm.gap(PERCEIVED, EXPECTED, dimension=dimension, dimension_weights=[1, 0])
    assert listed.value == g.value
    refused("dimension: there is no item 'tangible'; did you mean 'tangibles'?",
            cxm.gap, PERCEIVED, EXPECTED, dimension={"x": ["tangible"]})
    refused("dimension: item 'empathy' is in two dimensions, 'y' is the second",
            cxm.gap, PERCEIVED, EXPECTED, dimension={"x": ["empathy"], "y": ["empathy"]})
    proxy = MappingProxyType
    assert cxm.gap(proxy(PERCEIVED), proxy(EXPECTED), dimension=proxy(dimension),
                   dimension_weights=proxy({"soft": 1, "hard": 0})).value == g.value
    with pytest.raises(cxm.Error, match="dimension maps names to lists of items"):
        cxm.gap(PERCEIVED, EXPECTED, dimension=["empathy"])  # type: ignore[arg-type]


def test_gap_pairs_items() -> None:
    reversed_ = dict(reversed(EXPECTED.items()))
    assert cxm.gap(PERCEIVED, reversed_).value == cxm.gap(PERCEIVED, EXPECTED).value
    both = {"s1": [4, 5], "s2": [1, 2], "e1": [5, 5], "e2": [1, 1]}
    g = cxm.gap(["s1", "s2"], ["e1", "e2"], data=both)
    assert g.measures == ["gap", "gap[s1]", "gap[s2]"]
    assert g["gap[s1]"].value == -0.5 and g["gap[s2]"].value == 0.5
    refused("expected has an item 'b' that perceived has not", cxm.gap, {"a": [1]}, {"b": [1]})
    refused("expected has an item 's2' that perceived has not",
            cxm.gap, ["s1", "e1"], ["s1", "s2"], data=both)
    assert cxm.gap([[4, 5]], {"speed": [5, 5]}).value == -0.5


def test_gap_missing_tolerance_and_scale() -> None:
    g = cxm.gap({"a": [4, None, 5]}, {"a": [5, 5, 5.25]}, tolerance=0.25)
    assert (g.n, g.missing) == (2, 1)
    assert g["met[a]"].value == 0.5
    with pytest.raises(cxm.Error, match=r"perceived\[a\]: row 0 is 9, outside 1–5"):
        cxm.gap({"a": [9]}, {"a": [5]}, scale=(1, 5))


# ---- rates -------------------------------------------------------------------------------------


def test_fcr() -> None:
    solved = [1] * 620 + [0] * 380
    check(cxm.fcr(solved), 0.62)
    net = cxm.fcr(solved, eligible=[1] * 850 + [0] * 150)
    check(net, 0.7294117647058824, net.std_error, 0.69856286, 0.75819641, tolerance=1e-7)
    assert (net.n, net.excluded, net.base) == (850, 150, "contacts")
    assert net.excluded_by == {"not_in_denominator": 150}
    assert net["successes"].value == 620 and net["denominator"].value == 850
    assert cxm.fcr([True, False, None]).missing == 1


def test_one_touch() -> None:
    """Customer definitions 1.2, the last line."""
    # solved, replies, reopens of rows 1-15, without row 13, which is reversed
    rows = [(1, 1, 0), (1, 1, 0), (1, 2, 0), (1, 0, 0), (1, 1, 1), (1, 3, 0), (1, 1, 0),
            (0, 1, 0), (1, 1, 0), (1, 1, 0), (1, 1, 0), (1, 1, 0), (1, 1, 0), (1, 1, 0)]
    solved, replies, reopens = (list(column) for column in zip(*rows))
    r = cxm.one_touch(solved, replies, reopens)
    assert (r["successes"].value, r.n, r.excluded) == (10, 13, 1)
    assert cxm.one_touch(solved, replies)["successes"].value == 11
    assert cxm.one_touch(solved, replies, reopens, min_replies=1)["successes"].value == 9


def test_retention() -> None:
    assert cxm.retention(n_start=200, n_end=212, n_new=32).value == 0.9
    assert cxm.retention(n_start=200, n_end=212, n_new=32, n_reactivated=6).value == 0.87
    assert cxm.retention(n_start=200, n_lost=20).value == 0.9
    r = cxm.retention(customers_before=range(1, 9), customers_after=[2, 3, 4, 5, 6, 9, 10])
    assert (r.value, r.n, r.excluded) == (0.625, 8, 2)
    r = cxm.retention(active_before=[1, 1, 0, None], active_after=[1, 0, 1, 1])
    assert (r.value, r.n, r.missing, r.excluded) == (0.5, 2, 1, 1)


def test_customers_as_text_sets_and_columns() -> None:
    before, after = ["a", "b", "a", None], ["b", "c"]
    r = cxm.retention(customers_before=before, customers_after=after)
    assert (r.value, r.n, r.missing, r.excluded) == (0.5, 2, 1, 1)
    assert cxm.retention(customers_before={"a", "b"}, customers_after={"b"}).value == 0.5
    frame = {"old": ["a", "b"], "new": ["b", "b"]}
    assert cxm.retention(customers_before="old", customers_after="new", data=frame).value == 0.5
    with pytest.raises(cxm.Error) as caught:
        cxm.retention(customers_before=[1, 2], customers_after=["a"])
    assert caught.value.status == "EINVAL"


def test_churn() -> None:
    period = {"n_start": 500, "n_end": 550, "n_new": 75, "n_lost": 25, "n_lost_new": 5}
    assert cxm.churn(**period).value == 0.05
    assert close(cxm.churn(**period, denominator="average").value, 30 / 525)
    assert cxm.churn(**period)["lost_new"].value == 5
    r = cxm.churn(active_before=[1, 1, 1, 1, 0], active_after=[1, 0, 0, 1, 1],
                  reason=["x", "price", None, None, None])
    assert (r.value, r.n) == (0.5, 4)
    assert r.measures == ["churn", "churn[price]", "churn[(missing)]"]
    assert r["churn[price]"].value + r["churn[(missing)]"].value == r.value


def test_intervals_of_churn_that_is_no_share() -> None:
    """One stays, one is lost, one is new: r = 1 / ((2 + 2) / 2), residuals 0 - r, 1 - r/2, 0 - r/2."""
    flags = {"active_before": [1, 1, 0, 0], "active_after": [1, 0, 1, 0]}
    error = math.sqrt(3 / 2 * (1 / 4 + 9 / 16 + 1 / 16)) / 2
    of = {name: cxm.churn(**flags, denominator="average", interval=name)
          for name in (None, "none", "wald", "wilson")}
    assert all(close(r.value, 1 / 2) and close(r.std_error, error) for r in of.values())
    assert of["none"].interval == "none" and math.isnan(of["none"].lower)
    assert of["wald"].interval == "wald" and close(of["wald"].upper, 1 / 2 + 1.959963984540054 * error)
    assert of[None].interval == of["wilson"].interval == "t"


def test_reasons_of_days_on_which_nobody_left() -> None:
    """Their reasons are all missing, whatever kind those of other days are."""
    quiet = {"active_before": [1, 1], "active_after": [1, 1], "reason": [None, None]}
    busy = {"active_before": [1, 1], "active_after": [0, 0], "reason": ["price", None]}
    for days in ((quiet, busy), (busy, quiet)):
        t = cxm.Tally("churn")
        for day in days:
            t.add(**day)
        parts = [cxm.churn(**day).tally for day in days]
        assert t == cxm.merge(parts) == cxm.merge(part.save() for part in parts)
        r = t.estimate()
        assert r.measures == ["churn", "churn[price]", "churn[(missing)]"]
        assert [row.value for row in r] == [.5, .25, .25]


def test_the_interval_of_a_group_without_answers() -> None:
    """It is the one that the measure has, not none: the groups of a table differ in data only."""
    by = ["a", "a", "b"]
    for result, interval in (
        (cxm.mean([1, 2, None], by=by), "t"), (cxm.total([1, 2, None], by=by), "t"),
        (cxm.ratio([1, 2, None], [1, 1, 1], by=by), "t"), (cxm.nps([1, 9, None], by=by), "adjusted-wald"),
        (cxm.csi({"q": [1, 2, None]}, importance={"q": [1, 1, 1]}, by=by), "t"),
        (cxm.churn([1, 1, None], [1, 0, 0], denominator="average", by=by), "t"),
        (cxm.churn([1, 1, None], [1, 0, 0], reason=["x", "x", "x"], by=by), "wilson"),
    ):
        rows = list(result)
        assert {row.interval for row in rows} == {interval}
        assert all(math.isnan(row.value) and "NO_DATA" in row.flags for row in rows if row.group == "b")


def test_forms_of_retention_exclude_each_other() -> None:
    refused("retention takes flags, lists of ids or counts, not active_before, n_start together",
            cxm.retention, active_before=[1], n_start=3)
    refused("retention needs active_before=", cxm.retention)
    refused("retention needs customers_after= too", cxm.retention, customers_before=[1])
    refused("n_start is needed: the customers at the start of the period",
            cxm.retention, n_end=3)
    refused("n_end or n_lost is needed", cxm.retention, n_start=3)
    refused("n_start must be a whole number, 0 or more, not 1.5", cxm.retention, n_start=1.5,
            n_lost=0)
    refused("by= needs rows, and lists of ids have none in common; pass active_before= and "
            "active_after= flags", cxm.churn, customers_before=[1], customers_after=[1], by=[1])
    refused("by= needs rows; the counts of a period have none", cxm.churn, n_start=1, n_lost=0,
            by=[1])
    error = refused("25 customers of 10 would be retained", cxm.retention, n_start=10, n_end=30,
                    n_new=5)
    assert error.status == "EINCONSISTENT"
    nobody = cxm.retention(n_start=0, n_end=0, n_new=0)
    assert nobody.n == 0 and "NO_DATA" in nobody.flags


def test_convert_rate() -> None:
    assert close(cxm.convert_rate(0.03, 1, 12), 0.3061576390, 1e-9)
    assert close(cxm.convert_rate(0.20, from_=12, to=1), 0.0184235, 1e-5)
    assert math.isnan(cxm.convert_rate(1.5, 1, 12))


def test_share_mean_ratio_total() -> None:
    r = cxm.share([1, 0, 1, 1], denominator=[1, 1, 1, 0])
    assert (r.n, r.excluded, r.value) == (3, 1, pytest.approx(2 / 3))
    check(cxm.mean([7, 9, 10, 6]), 8)
    assert close(cxm.mean([7, 9, 10, 6])["sd"].value, math.sqrt(10 / 3))
    assert cxm.ratio([1, 2, None], [4, 8, 9]).value == 0.25
    assert cxm.total([0.1] * 10).value == 1
    assert cxm.total([1e100, 1.0, -1e100]).value == 1
    assert math.isnan(cxm.ratio([1], [0]).value)


def test_freq() -> None:
    r = cxm.nps([10, 3], freq=[3, 1])
    assert (r.value, r.n) == (50, 4)
    assert r.tally == cxm.nps([10, 10, 10, 3]).tally


# ---- what all share ----------------------------------------------------------------------------

#: Metrics that are fed by more than their columns: analyses read some, histories make the others.
ANALYSED = {
    "survival", "fcr_window", "resolution", "cohorts", "stages", "sla", "quantiles", "sketch",
    "repeat_purchase",
}
METRICS = {m.name: m for m in cxm.metrics() if m.name not in ANALYSED}


@pytest.mark.parametrize("name", METRICS)
def test_signature_is_that_of_the_registry(name: str) -> None:
    """Inputs are arguments, parameters too, with the registry's defaults."""
    metric = METRICS[name]
    arguments = inspect.signature(getattr(cxm, name)).parameters
    for entry in metric.inputs:
        assert entry.name in arguments
        alternatives = name in ("retention", "churn", "contact_rate")
        optional = arguments[entry.name].default is None
        assert optional == (entry.optional or alternatives), entry.name
    for param in metric.params:
        if param.name == "items" and metric.inputs[0].many:
            continue  # the names come with the columns
        default = arguments[param.name].default
        if param.name in ("satisfied", "importance_kind") or (name, param.name) == ("gap", "scale"):
            assert default is None  # depends on the other arguments
        else:
            assert default == param.default, param.name


COMMON = {
    "data": None, "by": None, "labels": None, "missing_codes": (), "weight": None, "freq": None,
    "strata": None, "cluster": None, "fpc": None, "level": 0.95, "interval": None,
    "invalid": "error", "measures": None, "missing_key": "keep", "threads": None,
}


@pytest.mark.parametrize("name", METRICS)
def test_common_arguments(name: str) -> None:
    arguments = inspect.signature(getattr(cxm, name)).parameters
    for common, default in COMMON.items():
        assert arguments[common].default == default
        assert arguments[common].kind is inspect.Parameter.KEYWORD_ONLY
    assert f"def {name}" not in (getattr(cxm, name).__doc__ or "")
    assert ">>>" in (getattr(cxm, name).__doc__ or "")


def test_registry() -> None:
    first = "nps csat ces csi gap fcr one_touch retention churn share mean ratio total"
    assert list(METRICS)[:13] == first.split()
    assert {"reopen", "escalation", "complaints", "contact_rate", "revenue"} <= set(METRICS)
    nps = METRICS["nps"]
    assert (nps.summary, nps.summary_zh, nps.base) == ("Net Promoter Score", "净推荐值",
                                                       "responses")
    assert nps.intervals[0] == "adjusted-wald"
    assert nps.measures[0].name == "nps" and nps.measures[0].unit == "points"
    assert nps.params[0].default == (0, 10)
    assert METRICS["gap"].params[3].choices == ("none", "aggregate", "person")
    for metric in METRICS.values():
        assert metric.summary_zh and all(m.summary_zh for m in metric.measures)


def test_out_of_range() -> None:
    values = [10] * 17 + [99]
    error = refused(
        "score: row 17 is 99, outside 0–10. If 99 means \"no answer\" pass missing_codes=[99]; to "
        "count such rows pass invalid=\"count\".", cxm.nps, values,
    )
    assert (error.status, error.column, error.row, error.value) == ("EDATA", "score", 17, "99")
    named = refused(
        "q1: row 17 is 99, outside 0–10. If 99 means \"no answer\" pass missing_codes=[99]; to "
        "count such rows pass invalid=\"count\".", cxm.nps, "q1", data={"q1": values},
    )
    assert named.column == "q1"
    r = cxm.nps(values, invalid="count")
    assert (r.n, r.invalid) == (17, 1)


def test_wrong_arguments() -> None:
    refused("scale must be a pair, low and high, such as (0, 10), not 5", cxm.nps, [1], scale=5)
    refused("promoter must be a number, not 'a'", cxm.nps, [1], promoter="a")
    refused("scaling must be a word, not 1", cxm.csi, {"a": [1]}, scaling=1)
    refused("invalid must be 'error' or 'count', not 'drop'", cxm.nps, [1], invalid="drop")
    refused("threads must be 1 or more, not 0", cxm.nps, [1], threads=0)
    refused("nps needs score=", cxm.nps, None)
    refused("nps has no measure 'promoter'; did you mean 'promoters'?", cxm.nps, [1],
            measures=["promoter"])
    with pytest.raises(TypeError):
        cxm.nps([1], promotor=9)  # type: ignore[call-arg]


def test_errors_are_value_errors_and_can_be_pickled() -> None:
    import pickle

    error = refused("csi needs items=", cxm.csi, None)
    assert isinstance(error, ValueError)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) and again.column == "items" and again.status == "EINVAL"


def test_threads_are_whole_numbers_of_any_kind() -> None:
    calls: list[Any] = [
        lambda threads: cxm.nps([10], threads=threads),
        lambda threads: cxm.quantiles([1.0], [0.5], threads=threads),
        lambda threads: cxm.quantiles([1.0], [0.5], accuracy=0.01, threads=threads),
        lambda threads: cxm.sla([0], [5], target=10, as_of=20, threads=threads),
        lambda threads: cxm.fcr_window(["a"], [0], [1], as_of=9, threads=threads),
        lambda threads: cxm.cohorts([1], [0], as_of=9, threads=threads),
    ]
    for call in calls:
        for threads in (np.int32(2), 2**40, True):
            call(threads)
        for threads in (0, -1, 1.5, "2"):
            refused(f"threads must be 1 or more, not {threads!r}", call, threads)


def test_numbers_beyond_all_floats() -> None:
    refused("level must be between 0 and 1; did you mean 0.95?", cxm.nps, [10], level=10**400)
    with pytest.raises(cxm.Error, match="promoter must be a number, not 1000"):
        cxm.nps([10], promoter=10**400)


def test_arguments_of_a_wrong_kind() -> None:
    t = cxm.Tally("nps").add(score=[10])
    for one in (t, t.save()):
        refused(f"merge takes a list of tallies or of saved bytes, not one {type(one).__name__}",
                cxm.merge, one)
    refused("rate must be a number, not None", cxm.convert_rate, None, 1, 12)
    g = cxm.fcr([1, 0, 1], by=["a", "a", "b"])
    refused("result: a result or a tally is needed, not int", cxm.standardise, 3, {})
    for call in (lambda: cxm.poststratify(None, by=[1, 2], totals=[5, 5]),
                 lambda: cxm.rake(None, {"a": [1, 2]}, {"a": [5, 5]})):
        with pytest.raises(cxm.Error, match="totals says how many there are in the population"):
            call()


def test_offsets_of_days_are_written_as_everywhere() -> None:
    late = [57600 - 60, 57600]
    assert list(cxm.histories(["a", "a"], late, as_of=10**6).orders) == [1]
    for offset in (8 * 3600, "+08:00"):
        h = cxm.histories(["a", "a"], late, as_of=10**6, utc_offset=offset)
        assert list(h.orders) == [2]  # Beijing's midnight lies between; in UTC it is one day
    with pytest.raises(cxm.Error, match="utc_offset is a number of seconds east of UTC"):
        cxm.rfm(customer=["a"], time=[0], amount=[1.0], as_of=9, utc_offset="8h")
