# SPDX-License-Identifier: GPL-3.0-or-later
"""Tallies: add, merge, bytes, rows, and that a failed call changes nothing."""

from __future__ import annotations

import copy
import pickle
import random
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers import mini, refused

import cxm


def rows(n: int, seed: int = 7) -> tuple[list[int | None], list[str | None]]:
    chance = random.Random(seed)
    scores = [chance.choice([None, *range(11)]) for _ in range(n)]
    groups = [chance.choice(["a", "b", "c", None]) for _ in range(n)]
    return scores, groups


def test_add_in_pieces_is_one_pass() -> None:
    scores, groups = rows(1000)
    whole = cxm.Tally("nps", scale=(0, 10)).add(score=scores, by=groups)
    pieces = cxm.Tally("nps")
    for first in range(0, 1000, 130):
        pieces.add(score=scores[first:first + 130], by=groups[first:first + 130])
    assert pieces == whole and pieces.save() == whole.save()
    assert whole.estimate().to_dict() == cxm.nps(scores, by=groups).to_dict()
    assert whole.n_rows == 1000 and whole.groups == ["a", "b", "c", None]
    assert whole.metric == "nps" and whole.definition == "nps/0-10/6-9"


def test_add_returns_the_tally() -> None:
    t = cxm.Tally("nps")
    assert t.add(score=[1]) is t
    assert t.merge(cxm.Tally("nps").add(score=[2])) is t and t.n_rows == 2
    assert t.merge(t).n_rows == 4
    assert t.subtract(cxm.Tally("nps").add(score=[2])).n_rows == 3


def test_add_takes_what_the_functions_take() -> None:
    frame = pd.DataFrame({"q": [10, 99], "r": ["a", "b"], "n": [2, 1]})
    t = cxm.Tally("nps").add(score="q", by="r", freq="n", data=frame, missing_codes=[99])
    assert t == cxm.nps([10, 10, None], by={"r": ["a", "a", "b"]}).tally
    with pytest.raises(cxm.Error, match="nps has no input 'scores'; it has score"):
        t.add(scores=[1])
    refused("nps needs score=", t.add)


def test_merge() -> None:
    scores, groups = rows(500)
    parts = [cxm.Tally("nps").add(score=scores[i::5], by=groups[i::5]) for i in range(5)]
    whole = cxm.nps(scores, by=groups).tally
    assert cxm.merge(parts) == whole
    assert cxm.merge(reversed([p.save() for p in parts])) == whole
    assert cxm.merge([parts[0], cxm.merge(parts[1:]).save()]) == whole
    assert parts[0].n_rows == 100
    refused("there is nothing to merge", cxm.merge, [])


def test_weighted_merge_is_exact() -> None:
    chance = random.Random(3)
    scores = [chance.randrange(11) for _ in range(300)]
    weights = [chance.lognormvariate(0, 3) for _ in range(300)]
    whole = cxm.nps(scores, weight=weights).tally
    parts = [cxm.Tally("nps").add(score=scores[i::7], weight=weights[i::7]) for i in range(7)]
    chance.shuffle(parts)
    assert cxm.merge(parts).save() == whole.save()


def test_different_tallies_do_not_merge() -> None:
    t = cxm.Tally("nps").add(score=[1])
    for other in (cxm.Tally("nps", promoter=8).add(score=[1]),
                  cxm.Tally("nps").add(score=[1], by=["a"]),
                  cxm.Tally("nps").add(score=[1], weight=[1.5]),
                  cxm.Tally("csat").add(score=[1])):
        with pytest.raises(cxm.Error) as caught:
            t.merge(other)
        assert caught.value.status == "EMISMATCH"
    assert t == cxm.Tally("nps").add(score=[1])


def test_a_failed_add_changes_nothing() -> None:
    t = cxm.Tally("nps").add(score=[10] * 3)
    before = t.save()
    with pytest.raises(cxm.Error):
        t.add(score=[10] * 1000 + [11])
    with pytest.raises(cxm.Error):
        t.add(score=[10], by=["a"])
    assert t.save() == before


def test_subtract() -> None:
    scores, groups = rows(100)
    day = cxm.Tally("nps").add(score=scores[60:], by=groups[60:])
    both = cxm.Tally("nps").add(score=scores, by=groups)
    assert both.subtract(day) == cxm.Tally("nps").add(score=scores[:60], by=groups[:60])
    with pytest.raises(cxm.Error) as caught:
        cxm.Tally("nps").add(score=[1]).subtract(cxm.Tally("nps").add(score=[2]))
    assert caught.value.status == "EINCONSISTENT"


def test_bytes() -> None:
    t = cxm.Tally("nps").add(score=[10, 3], by={"region": ["a", "b"]})
    data = t.save()
    assert isinstance(data, bytes)
    for kind in (bytes, bytearray, memoryview):
        assert cxm.Tally.load(kind(data)) == t
    info = cxm.Tally.info(data)
    assert (info.metric, info.definition, info.rows, info.groups) == ("nps", t.definition, 2, 2)
    assert (info.n_keys, info.weighted, info.format) == (1, False, (1, 0))
    assert cxm.Tally.info(t).configuration == info.configuration
    assert repr(info).startswith("TallyInformation(metric='nps'")
    refused("a saved tally is bytes, not a str", cxm.Tally.load, "x")
    saved = cxm.Tally("nps").add(score=[9]).save()
    refused("a saved tally is bytes, not a tuple; of rows pass those, [row[0] for row in rows]",
            cxm.Tally.from_rows, [(saved,)])
    refused("rows is a table with a column 'tally' or a list of saved bytes, not one bytes",
            cxm.Tally.from_rows, saved)
    for table in ({"x": [saved]}, pd.DataFrame({"x": [saved]}), pa.table({"x": [saved]}),
                  pl.DataFrame({"x": [saved]})):
        refused("rows: the table has no column 'tally'", cxm.Tally.from_rows, table)
    assert cxm.Tally.from_rows([None, saved, bytearray(saved)]).save() == cxm.merge([saved, saved]).save()


def test_hostile_bytes() -> None:
    data = cxm.Tally("nps").add(score=[10]).save()
    for bad in (b"", b"x", data[:-1], data + b"\0", data[:20] + b"\xff" + data[21:]):
        for read in (cxm.Tally.load, cxm.Tally.info, lambda b: cxm.merge([b])):
            with pytest.raises(cxm.Error) as caught:
                read(bad)
            assert caught.value.status in ("ECORRUPT", "EUNSUPPORTED")


def test_copies() -> None:
    t = cxm.Tally("nps").add(score=[10])
    for other in (t.copy(), copy.copy(t), copy.deepcopy(t), pickle.loads(pickle.dumps(t))):
        assert other == t and other is not t
        other.add(score=[1])
        assert other != t and t.n_rows == 1
    kept = t.copy()
    t.add(score=[2])
    assert kept.n_rows == 1 and t.n_rows == 2
    with pytest.raises(TypeError):
        hash(t)
    assert t != "a tally"


def test_rows() -> None:
    t = cxm.Tally("nps").add(score=[10, 3, 1], by={"region": ["a", "b", None]})
    table = t.rows()
    assert list(table) == ["region", "tally"] and table["region"] == ["a", "b", None]
    assert all(isinstance(b, bytes) for b in table["tally"])
    for kind in (table, pd.DataFrame(table), pl.DataFrame(table), pa.table(table),
                 table["tally"], duckdb.from_arrow(pa.table(table))):
        assert cxm.Tally.from_rows(kind) == t
    single = cxm.Tally("nps").add(score=[10]).rows()
    assert list(single) == ["tally"] and len(single["tally"]) == 1
    assert cxm.Tally.load(table["tally"][1]).groups == ["b"]


def test_repr() -> None:
    t = cxm.Tally("nps")
    assert repr(t) == "<cxm.Tally nps/0-10/6-9: 0 rows>"
    t.add(score=[1])
    assert repr(t) == "<cxm.Tally nps/0-10/6-9: 1 row>"
    t = cxm.Tally("nps").add(score=[1, 2], by={"region": ["a", "b"]})
    assert repr(t) == "<cxm.Tally nps/0-10/6-9: 2 rows, 2 groups by region>"
    assert repr(cxm.Tally("csi")) == "<cxm.Tally csi: no rows>"


# ---- metrics with items ------------------------------------------------------------------------


def test_items_are_learnt_from_the_first_rows() -> None:
    answers = mini("S")
    t = cxm.Tally("csi", scale=(1, 5))
    refused("this csi tally does not know its items yet; add rows first or pass items=[names]",
            t.save)
    assert t.n_rows == 0 and pickle.loads(pickle.dumps(t)) == t.copy() == t
    assert t != cxm.Tally("csi", scale=(1, 7)) and t != cxm.Tally("gap")
    t.add(items=answers)
    assert t.estimate().value == cxm.csi(answers).value
    assert t == cxm.csi(answers).tally


def test_items_given_at_the_start() -> None:
    answers = mini("S")
    t = cxm.Tally("csi", items=list(answers), item_weights=dict.fromkeys(answers, 1))
    first = {name: column[:5] for name, column in answers.items()}
    rest = {name: column[5:] for name, column in answers.items()}
    assert t.add(items=first).add(items=rest).estimate().value == pytest.approx(
        cxm.csi(answers).value)


def test_merging_into_a_tally_without_items() -> None:
    full = cxm.csi(mini("S")).tally
    assert cxm.Tally("csi").merge(full) == full
    assert full.copy().merge(cxm.Tally("csi")) == full
    with pytest.raises(cxm.Error) as caught:
        full.merge(cxm.Tally("gap"))
    assert caught.value.status == "EMISMATCH"


def test_dimensions_in_a_tally() -> None:
    groups = {"a": ["tangibles", "reliability"], "b": ["empathy"]}
    t = cxm.Tally("gap", dimension=groups).add(perceived=mini("P"), expected=mini("E"))
    direct = cxm.gap(mini("P"), mini("E"), dimension=groups)
    assert t == direct.tally and t.estimate().to_dict() == direct.to_dict()


# ---- retention and churn -----------------------------------------------------------------------


def test_periods_and_customers() -> None:
    t = cxm.Tally("retention").add(n_start=10, n_lost=1).add(n_start=10, n_end=9, n_new=2)
    assert t.estimate().value == 16 / 20
    t.add(customers_before=[1, 2], customers_after=[2, 3])
    assert t.estimate().value == 17 / 22
    refused("counts of a period take no data=, by=, weight= or freq=", t.add, n_start=1,
            n_lost=0, by=[1])
    assert cxm.Tally("churn").add(n_start=5, n_lost=1, n_lost_new=2).estimate().n == 5


def test_unknown_metric_and_parameter() -> None:
    with pytest.raises(cxm.Error, match="no metric 'npss'; did you mean 'nps'[?] There are nps, csat"):
        cxm.Tally("npss")
    refused("nps has no parameter 'promotor'; it has scale, promoter, detractor", cxm.Tally,
            "nps", promotor=9)


def test_options_of_estimate() -> None:
    t: Any = cxm.Tally("csat").add(score=[5, 1, 4])
    r = t.estimate(level=0.9, interval="jeffreys", measures=["csat", "mean"])
    assert (r.level, r.interval, r.measures) == (0.9, "jeffreys", ["csat", "mean"])
    assert t.estimate(0.5).level == 0.5


def test_a_tally_that_waits_for_its_items_keeps_its_parameters() -> None:
    """partial="listwise" is not to become the default of the other tally."""
    items = {"a": [1, None, 5], "b": [2, 3, 4]}
    usual = cxm.Tally("csi").add(items=items)
    strict = cxm.Tally("csi", partial="listwise")
    for change in (strict.merge, strict.subtract):
        error = refused("partial differs: listwise in one tally, renormalise in the other", change,
                        usual)
        assert error.status == "EMISMATCH"
        assert repr(strict) == "<cxm.Tally csi: no rows>"
    rows = cxm.Tally("csi", partial="listwise").add(items=items)
    assert strict.merge(rows) == rows and strict.definition.endswith("/listwise")
    weights = {"a": 1, "b": 3}
    dimensions: dict[str, Any] = {"dimension": {"d": ["b"], "e": ["a"]}}
    for metric, params, columns in (
        ("csi", {"item_weights": weights}, {"items": items}),
        ("gap", dimensions, {"perceived": items, "expected": items}),
    ):
        rows = cxm.Tally(metric, **params).add(**columns)
        assert cxm.Tally(metric, **params).merge(rows.save()) == rows
    refused("a tally of nps cannot be combined with one of csi", cxm.Tally("csi").merge,
            cxm.nps([10]).tally)


def test_keys_that_are_missing_everywhere_have_the_type_of_the_other_tally() -> None:
    nobody = cxm.Tally("nps").add(score=[10, 3], by=[None, None])
    whole = cxm.Tally("nps").add(score=[10, 3, 9], by=[None, None, "a"])
    rest = whole.copy().subtract(nobody)
    assert rest == cxm.Tally("nps").add(score=[9], by=["a"]) and rest.groups == ["a"]
    rest = whole.copy().subtract(cxm.Tally("nps").add(score=[9], by=["a"]))
    assert rest.groups == [None] and nobody.copy().subtract(rest).n_rows == 0
    with pytest.raises(cxm.Error, match="group holds text in one, whole numbers in the other"):
        whole.copy().subtract(cxm.Tally("nps").add(score=[9], by=[1]))


def test_bytes_that_are_no_text_are_keys_apart() -> None:
    """All of them read as the same text, and group() gave the last."""
    t = cxm.Tally("nps").add(score=[10, 9, 3, 8], by=[b"\xff", b"\xfe", b"a", b"\xff\x00"])
    assert t.groups == ["a", b"\xfe", b"\xff", b"\xff\x00"]
    g = t.estimate()
    assert g.group(b"\xff").value == 100 and g.group(b"\xff\x00").value == 0
    assert g.to_arrow()["group"].to_pylist() == [b"a", b"\xfe", b"\xff", b"\xff\x00"]
    assert t.rows()["group"] == t.groups and cxm.Tally.from_rows(t.rows()) == t
