# SPDX-License-Identifier: GPL-3.0-or-later
"""Calibrated weights: the mini design of the definitions (survey, section 7)."""

from __future__ import annotations

import copy
import math
import operator
import pickle
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import REAL_DATA
from helpers import close

import cxm

WEIGHT = [10, 10, 12, 8, 8, 15, 15, 20, 20, 25, 25, 30]
SCORE = [10, 9, 6, 8, 10, 3, 9, 7, 9, 10, 8, 2]
AGE = [1, 1, 2, 2, 1, 2, 1, 2, 1, 1, 2, 2]
SEX = [1, 2, 1, 2, 1, 2, 2, 1, 1, 2, 1, 2]
FIRST = (13.867279595445, 13.460867507474, 9.958807902597, 6.444628296251)
TOTALS = {"age": {1: 120, 2: 90}, "sex": {1: 100, 2: 110}}


def refused(status: str, text: str, call: Any, *args: Any, **options: Any) -> cxm.Error:
    with pytest.raises(cxm.Error) as caught:
        call(*args, **options)
    assert caught.value.status == status and text in str(caught.value)
    return caught.value


def test_post_stratification() -> None:
    w = cxm.poststratify(WEIGHT, by=AGE, totals={1: 120, 2: 90})
    assert w.iterations == 1
    assert close(w.factors["by"][1], 120 / 88) and close(w.factors["by"][2], 90 / 110)
    assert close(sum(w), 210) and len(w) == 12 and close(w[0], 10 * 120 / 88)
    assert close(cxm.nps(SCORE, weight=w).value, 34.935064935065)


def test_raking() -> None:
    w = cxm.rake(WEIGHT, {"age": AGE, "sex": SEX}, TOTALS)
    assert all(close(got, want) for got, want in zip(w, FIRST))
    assert close(cxm.nps(SCORE, weight=w).value, 35.138170443347)
    assert w.error < 1e-10 and 1 < w.iterations < 50
    assert set(w.factors) == {"age", "sex"} and set(w.factors["sex"]) == {1, 2}


def test_linear() -> None:
    w = cxm.rake(WEIGHT, {"age": AGE, "sex": SEX}, TOTALS, method="linear")
    assert close(w[0], 13.815368286273) and close(w[1], 13.500320102433)
    assert w.iterations == 1 and w.error < 1e-14
    for x, base, age, sex in zip(w, WEIGHT, AGE, SEX):
        assert close(x, base * (1 + w.factors["age"][age] + w.factors["sex"][sex]))
    r = cxm.nps(SCORE, weight=w, **DESIGN)
    assert close(r.value, 35.198150626246) and close(r.std_error, 4.729968597668)
    refused("EINVAL", 'method must be "raking" or "linear"', cxm.rake, WEIGHT,
            {"age": AGE, "sex": SEX}, TOTALS, method="greg")
    refused("EINCONSISTENT", "they must stay above 0", cxm.rake, [40, 10, 10, 40],
            {"a": [1, 1, 2, 2], "b": [1, 2, 1, 2]}, {"a": {1: 95, 2: 5}, "b": {1: 5, 2: 95}},
            method="linear")


def test_categories_match_whatever_their_type() -> None:
    want = cxm.rake(WEIGHT, {"age": AGE, "sex": SEX}, TOTALS).weights
    letters = {1: "m", 2: "f"}
    frame = pd.DataFrame({
        "w": WEIGHT, "age": np.array(AGE, float),
        "sex": pd.Categorical([letters[s] for s in SEX], ["f", "m", "x"], ordered=True),
    })
    totals = {"age": {1: 120, 2: 90}, "sex": pd.Series({"m": 100, "f": 110})}
    assert cxm.rake("w", ["age", "sex"], totals, data=frame).weights == want


def test_crossed_margins() -> None:
    totals = {(1, "f"): 10, (1, "m"): 20, (2, "f"): 30, (2, "m"): 40}
    sex = ["m" if s == 1 else "f" for s in SEX]
    w = cxm.poststratify(None, by=[AGE, sex], totals=totals)
    for (age, s), total in totals.items():
        assert close(sum(x for x, a, b in zip(w, AGE, sex) if (a, b) == (age, s)), total)


def test_a_sequence_and_a_buffer() -> None:
    w = cxm.poststratify(None, by=["a", "a", "b"], totals={"a": 30, "b": 70})
    assert w.weights == array("d", [15, 15, 70]) and list(w) == [15, 15, 70] and w[-1] == 70
    assert np.asarray(w).tolist() == [15, 15, 70]
    assert pd.DataFrame({"w": w}).w.tolist() == [15, 15, 70]
    assert repr(w) == "<cxm.Calibration of 3 weights to by>"


DESIGN = {"strata": [1] * 7 + [2] * 5, "cluster": [1, 1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 2]}


def test_standard_errors_heed_the_calibration() -> None:
    post = cxm.poststratify(WEIGHT, by=AGE, totals={1: 120, 2: 90})
    raked = cxm.rake(WEIGHT, {"age": AGE, "sex": SEX}, TOTALS)
    assert close(cxm.nps(SCORE, weight=post, **DESIGN).std_error, 6.230543467679)
    r = cxm.nps(SCORE, weight=raked, **DESIGN)
    assert close(r.value, 35.138170443347) and close(r.std_error, 4.718851512579)
    assert close(r.sum_weight, 210)
    plain = cxm.nps(SCORE, weight=list(raked), **DESIGN)
    assert close(plain.value, r.value) and plain.std_error > r.std_error
    # What the margins determine is known for certain.
    young = cxm.share([a == 1 for a in AGE], weight=raked, **DESIGN)
    assert close(young.value, 120 / 210) and young.std_error < 1e-15


def test_tallies_with_margins() -> None:
    raked = cxm.rake(WEIGHT, {"age": AGE, "sex": SEX}, TOTALS)
    whole = cxm.nps(SCORE, weight=raked, **DESIGN)
    parts = []
    for first, last in ((0, 5), (5, 12)):
        part = cxm.rake(WEIGHT[first:last], {"age": AGE[first:last], "sex": SEX[first:last]},
                        TOTALS)
        parts.append(cxm.Tally("nps").add(
            score=SCORE[first:last], weight=part,
            **{name: column[first:last] for name, column in DESIGN.items()}))
    merged = cxm.merge(p.save() for p in parts)
    assert merged.save() == whole.tally.save()
    assert merged.estimate(calibration=raked).std_error == whole.std_error
    base = cxm.nps(SCORE, weight=WEIGHT, **DESIGN)
    assert close(merged.estimate().std_error, base.std_error)


def figures() -> list[tuple[str, ...]]:
    """Lines of tests/data/designs_from_r.txt."""
    path = Path(__file__).parents[3] / "tests" / "data" / "designs_from_r.txt"
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [tuple(part.strip() for part in x.split("|")) for x in lines if not x.startswith("#")]


SCHOOLS = REAL_DATA / "api_weighted"
TYPES = {"stype": {"E": 4421, "H": 755, "M": 1018}, "sch.wide": {"No": 1072, "Yes": 5122}}


@pytest.mark.real
@pytest.mark.parametrize("name, domain, value, error", [f for f in figures() if "st=" in f[0]
                                                        or "rake=" in f[0] or "linear=" in f[0]])
def test_schools_against_r(name: str, domain: str, value: str, error: str) -> None:
    file, design, metric, *columns = name.split()
    frame = pd.read_csv(SCHOOLS / f"{file}.csv")
    roles = dict(part.split("=") for part in design.split(","))
    method = "linear" if "linear" in roles else "raking"
    known = roles.pop("rake", None) or roles.pop("post", None) or roles.pop("linear")
    margins = known.split("+")
    w = cxm.rake("pw", margins, {m: TYPES[m] for m in margins}, data=frame, method=method)
    if columns == ["sch.wide"]:
        columns = [frame["sch.wide"] == "Yes"]
    by = domain.split()[0] if domain else None
    g = getattr(cxm, metric)(*columns, data=frame, weight=w, by=by, **roles)
    r = g.group(domain.split()[1]) if domain else g
    assert close(r.value, float(value), 1e-9)
    assert abs(r.std_error - float(error)) <= max(1e-9 * float(error), 1e-12)


def test_what_is_wrong_is_named() -> None:
    refused("EINCONSISTENT", "the totals of age add up to 210, those of sex to 200", cxm.rake,
            WEIGHT, {"age": AGE, "sex": SEX}, {**TOTALS, "sex": {1: 100, 2: 100}})
    refused("EEMPTYCELL", "by: 3 has a total of 5, but no rows with weight", cxm.poststratify,
            WEIGHT, by=AGE, totals={1: 120, 2: 90, 3: 5})
    error = refused("EDATA", "by: row 2 is 2, which has no total", cxm.poststratify, WEIGHT,
                    by=AGE, totals={1: 120})
    assert error.row == 2
    refused("EDATA", "by: row 1 is missing", cxm.poststratify, [1, 1], by=["a", None],
            totals={"a": 5})
    refused("EDATA", "weight: row 0 is -1", cxm.poststratify, [-1, 1], by=["a", "a"],
            totals={"a": 5})
    refused("ENOCONV", "after 1 iterations", cxm.rake, WEIGHT, {"age": AGE, "sex": SEX}, TOTALS,
            max_iterations=1)
    refused("EINVAL", "margins and totals name different things", cxm.rake, None, {"age": AGE},
            TOTALS)
    refused("EINVAL", "max_iterations must be above 0", cxm.rake, None, {"age": AGE},
            {"age": TOTALS["age"]}, max_iterations=0)
    refused("EINVAL", "there are no totals", cxm.poststratify, None, by=AGE, totals={})


# ---- what becomes of a result with calibrated weights --------------------------------------------


def raked_result(**options: Any) -> Any:
    return cxm.nps(SCORE, weight=cxm.rake(WEIGHT, {"age": AGE, "sex": SEX}, TOTALS), **options)


def test_pickles_and_copies_stay_calibrated() -> None:
    for r in (raked_result(), raked_result(by=SEX),
              cxm.nps(SCORE, weight=cxm.poststratify(WEIGHT, by=[AGE, SEX], totals={
                  (a, s): 50 for a in (1, 2) for s in set(SEX)}))):
        assert r.total.value != r.tally.estimate().total.value
        for again in (pickle.loads(pickle.dumps(r)), copy.copy(r), copy.deepcopy(r)):
            assert repr(again.to_dict()) == repr(r.to_dict())
            assert repr(pickle.loads(pickle.dumps(again)).to_dict()) == repr(r.to_dict())


def test_copies_of_the_weights() -> None:
    w = cxm.rake(WEIGHT, {"age": AGE, "sex": SEX}, TOTALS)
    for again in (copy.copy(w), copy.deepcopy(w)):
        assert again.weights == w.weights and again.weights is not w.weights
        assert cxm.nps(SCORE, weight=again).std_error == cxm.nps(SCORE, weight=w).std_error
    with pytest.raises(cxm.Error, match=r"cannot be pickled; pickle list\(w\)"):
        pickle.dumps(w)


def test_analyses_do_not_fall_back_to_the_base_weights() -> None:
    """They know no totals: a comparison of calibrated results was one of other numbers."""
    r, g = raked_result(), raked_result(by=SEX)
    for call in (
        lambda: cxm.compare(r, r), lambda: cxm.compare_groups(g, against="none"),
        lambda: cxm.league(g), lambda: cxm.trend(g, [1, 2]), lambda: cxm.target(r, 10),
        lambda: cxm.scorecard({"a": r}, {"a": 10}), lambda: cxm.chart("xmr", g),
        lambda: cxm.standardise(g, dict.fromkeys(g.groups, 0.5)),
        lambda: cxm.compare(*(raked_result(by=SEX, strata=AGE).group(s) for s in g.groups)),
    ):
        with pytest.raises(cxm.Error, match="analyses of it would see its base weights") as error:
            call()
        assert error.value.status == "EUNSUPPORTED"
    plain = cxm.nps(SCORE, weight=list(cxm.rake(WEIGHT, {"age": AGE, "sex": SEX}, TOTALS)))
    assert close(cxm.target(plain, 10).value, r.value)


def test_contact_rates_of_a_log_are_calibrated() -> None:
    w = cxm.rake(WEIGHT, {"age": AGE, "sex": SEX}, TOTALS)
    calls = [3, 1, 2, *[0] * 9]
    log = [at for at, n in enumerate(calls) for _ in range(n)]
    r = cxm.contact_rate(customer=[*log, 99], active=list(range(12)), weight=w)
    assert r.unlinked == 1
    assert r.to_dict() == cxm.contact_rate(calls, weight=w).to_dict()


def test_estimates_calibrate_as_the_weights_were() -> None:
    """With their tolerance and sweeps: the estimate is that of the weights that were returned."""
    margins = {"a": [0, 0, 1], "b": ["f", "m", "f"]}
    totals = {"a": {0: 1, 1: 1}, "b": {"f": 1, "m": 1}}  # only met by a weight of 0 for row 0
    answers = [10, 3, 8]
    for options in ({"tolerance": 1e-2, "max_iterations": 2000}, {"tolerance": .2}):
        w = cxm.rake(None, margins, totals, **options)
        r = cxm.mean(answers, weight=w)
        assert math.isclose(r.value, sum(map(operator.mul, w, answers)) / sum(w), rel_tol=1e-14)
        assert pickle.loads(pickle.dumps(r)).value == r.value
    with pytest.raises(cxm.Error, match="after 200 iterations a: 0 is still off"):
        cxm.rake(None, margins, totals)


def test_margins_that_contradict_each_other_are_off_by_a_number() -> None:
    same = [0, 1, 0, 1]
    with pytest.raises(cxm.Error, match="is still off its total by 0.05"):
        cxm.rake(None, {"a": same, "b": same}, {"a": {0: 200, 1: 200}, "b": {0: 190, 1: 210}},
                 max_iterations=100000)


def test_base_weights_of_another_size() -> None:
    """Weights of 1e-100 for totals of 1e100: factors whose squares no double holds."""
    by, answers = ["x", "x", "y", "y", "y"], [1, 2, 3, 4, 10]
    usual = cxm.mean(answers, weight=cxm.poststratify(None, by=by, totals={"x": 5, "y": 5}))
    for base, total in ((1e-100, 1e100), (1e100, 1e-90), (1e-100, 5), (1e100, 1e100)):
        w = cxm.poststratify([base] * 5, by=by, totals={"x": total, "y": total})
        r = cxm.mean(answers, weight=w)
        assert close(r.value, usual.value) and close(r.std_error, usual.std_error)


def test_rows_of_a_category_that_counts_nobody_are_excluded() -> None:
    by, answers = ["x", "x", "y", "y", None], [1, None, 3, 4, 10]
    w = cxm.poststratify(None, by=["x", "x", "y", "y", "y"], totals={"x": 0, "y": 6})
    assert list(w) == [0, 0, 2, 2, 2]
    r, plain = cxm.mean(answers, weight=w, by=by), cxm.mean(answers, weight=list(w), by=by)
    for mine, other in zip([*r, r.total], [*plain, plain.total]):
        assert (mine.n, mine.missing, mine.excluded) == (other.n, other.missing, other.excluded)
        assert mine.sum_weight == other.sum_weight
    assert (r.total.n, r.total.missing, r.total.excluded) == (3, 1, 1)
    assert close(r.total.value, 17 / 3) and "NO_DATA" in r.group("x").flags
