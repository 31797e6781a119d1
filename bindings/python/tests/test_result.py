# SPDX-License-Identifier: GPL-3.0-or-later
"""Results: attributes, measures, groups, rows, tables, Arrow, pickling."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import gc
import math
import pickle
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers import refused

import cxm

SCORE = [10, 9, 3, None, 7, 10, 8, 0]
REGION = ["EMEA", "APAC", "EMEA", "APAC", None, "EMEA", "LATAM", "US"]
SCHEMA = ["metric", "measure", "value", "std_error", "lower", "upper", "level", "interval", "n",
          "missing", "invalid", "excluded", "sum_weight", "n_eff", "unit", "base", "definition",
          "flags"]


@pytest.fixture
def r() -> cxm.Result:
    return cxm.nps(SCORE)


@pytest.fixture
def g() -> cxm.Result:
    return cxm.nps("score", by="region", data={"score": SCORE, "region": REGION})


def test_attributes(r: cxm.Result) -> None:
    assert r.value == pytest.approx(100 / 7)
    assert r.ci == (r.lower, r.upper) and r.lower < r.value < r.upper
    assert (r.n, r.missing, r.invalid, r.excluded) == (7, 1, 0, 0)
    assert r.excluded_by == {} and r.excluded_by["orphan"] == 0
    assert (r.sum_weight, r.n_eff, r.level, r.df) == (7, 7, 0.95, math.inf)
    assert (r.unit, r.base, r.interval) == ("points", "responses", "adjusted-wald")
    assert r.definition == "nps/0-10/6-9"
    assert r.flags == ("SMALL_N",)
    assert (r.metric, r.measure, r.measures, r.groups, len(r)) == ("nps", "nps", ["nps"], [], 1)
    assert isinstance(r.value, float) and isinstance(r.n, int)


def test_every_measure_can_be_read(r: cxm.Result) -> None:
    assert r["promoters"].value == pytest.approx(3 / 7)
    assert r["promoters"].unit == "share" and r["promoters"].interval == "wilson"
    assert r["share[10]"].value == pytest.approx(2 / 7)
    assert r["share[k]"].measures == [f"share[{k}]" for k in range(11)]
    assert len(r["share[k]"]) == 11
    assert list(r.distribution) == list(range(11))
    assert sum(r.distribution.values()) == pytest.approx(1)
    refused("nps has no measure 'promotors'; did you mean 'promoters'?", r.__getitem__,
            "promotors")
    refused("mean has no distribution of answers", lambda: cxm.mean([1]).distribution)


def test_measures_to_show() -> None:
    everything = cxm.nps(SCORE, measures="all")
    assert everything.measures[:4] == ["nps", "promoters", "passives", "detractors"]
    assert len(everything) == 16
    assert everything.value == cxm.nps(SCORE).value
    some = cxm.nps(SCORE, measures=["mean", "promoters"])
    assert some.measures == ["mean", "promoters"] == [row.measure for row in some]
    assert some.measure == "nps" and some.value == cxm.nps(SCORE).value
    assert cxm.nps(SCORE, measures="mean").measures == ["mean"]
    for wrong in ([], 5, [5]):
        refused('measures is "all" or a list of names', cxm.nps, SCORE, measures=wrong)


def test_groups(g: cxm.Result) -> None:
    assert g.groups == ["APAC", "EMEA", "LATAM", "US", None]
    assert len(g) == 5 and g["promoters"].groups == g.groups
    assert g.group("EMEA").value == pytest.approx(100 / 3)
    assert g.group("EMEA")["detractors"].value == pytest.approx(1 / 3)
    assert g["detractors"].group("EMEA").value == pytest.approx(1 / 3)
    assert g.group("EMEA").groups == ["EMEA"] and len(g.group("EMEA")) == 1
    assert g.group("EMEA").group("EMEA").value == g.group("EMEA").value
    assert g.group(None).n == 1
    assert g.total.value == cxm.nps(SCORE).value
    assert g.total.groups == [] and g.total.total.value == g.total.value
    assert g.level == 0.95 and g.interval == "adjusted-wald" and g.unit == "points"
    assert g.definition == "nps/0-10/6-9" and g.base == "responses"


def test_a_grouped_result_has_no_single_value(g: cxm.Result) -> None:
    message = ("this result has 5 groups; use g['nps'], g.group('APAC') or g.total")
    for name in ("value", "std_error", "lower", "upper", "ci", "n", "missing", "invalid",
                 "excluded", "excluded_by", "sum_weight", "n_eff", "flags", "distribution"):
        refused(message, getattr, g, name)
    refused("this result has 1 group; use g['nps'], g.group('a') or g.total",
            lambda: cxm.nps([1], by=["a"]).value)
    refused("this result has 0 groups; use g['mean'], g.group(key) or g.total",
            lambda: cxm.nps([], by=[])["mean"].value)
    refused("there is no group 'EU'; there are 'APAC', 'EMEA', 'LATAM', 'US', None",
            g.group, "EU")
    refused("there is no group ['EU']; there are 'APAC', 'EMEA', 'LATAM', 'US', None",
            g.group, ["EU"])


def test_rows(g: cxm.Result) -> None:
    rows = list(g)
    assert [row.group for row in rows] == g.groups
    first = rows[0]
    assert dataclasses.is_dataclass(first)
    assert [f.name for f in dataclasses.fields(first)] == ["group", *SCHEMA, "keys", "axes"]
    assert (first.region, first.keys, first.measure) == ("APAC", {"region": "APAC"}, "nps")
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.value = 0.0  # type: ignore[misc]
    with pytest.raises(AttributeError, match="a row has no 'country'"):
        _ = first.country
    assert hash(first) == hash(list(g)[0]) and first == list(g)[0]
    assert isinstance(first.flags, tuple)
    assert pickle.loads(pickle.dumps(first)) == first
    assert [row.group for row in cxm.nps(SCORE)] == [None]


def test_rows_obey_the_base_law(g: cxm.Result) -> None:
    for row in cxm.nps([*SCORE, 99], by=[*REGION, "US"], measures="all", invalid="count"):
        given = [*REGION, "US"].count(row.group)
        assert row.n + row.missing + row.invalid + row.excluded == given


def test_to_dict(g: cxm.Result) -> None:
    table = g.to_dict()
    assert list(table) == ["region", "group", *SCHEMA]
    assert table["region"] == table["group"] == g.groups
    assert table["flags"][0] == ("DEGENERATE", "SMALL_N", "OFF_CENTRE")
    assert list(cxm.nps(SCORE).to_dict()) == ["group", *SCHEMA]
    assert cxm.nps(SCORE).to_dict()["group"] == [None]
    empty = cxm.nps([None], by=["a"]).to_dict()
    assert math.isnan(empty["value"][0]) and empty["n"] == [0]
    total = g.total.to_dict()
    assert total["region"] == total["group"] == [None]


def test_a_key_called_like_a_column_of_the_schema() -> None:
    g = cxm.nps("score", by="level", data={"score": [9, 1], "level": ["gold", "blue"]})
    table = g.to_dict()
    assert table["level_key"] == ["blue", "gold"] == table["group"]
    assert table["level"] == [0.95, 0.95]


@pytest.mark.parametrize("names, columns", [
    (["value", "value_key"], ["value_key_key", "value_key"]),
    (["n_key", "n"], ["n_key", "n_key_key"]),
    (["group_2", None], ["group_2", "group_2_key"]),
    ([None, None], ["group", "group_2"]),
])
def test_names_of_keys_stay_distinct(names: list[Any], columns: list[str]) -> None:
    """Here and in the stream of C: what a name becomes is not the name of another key."""
    keys = [["a", "b"], [1, 2]]
    table = {"score": [9, 1], **{n: k for n, k in zip(names, keys) if n}}
    by = [name or key for name, key in zip(names, keys)]
    g = cxm.nps("score", by=by, data=table)
    d = g.to_dict()
    assert [d[name] for name in columns if name != "group"] == keys[columns[0] == "group":]
    assert list(g.to_pandas().columns) == list(g.to_polars().columns) == [*columns, *SCHEMA]
    assert cxm.compare_groups(g).to_arrow().column_names[:2] == columns
    rows = cxm.Tally("nps").add(score=[9, 1], by=[[1, 2], pd.Series([3, 4], name="tally")]).rows()
    assert list(rows) == ["group", "tally_key", "tally"]


@pytest.mark.parametrize("names, columns", [
    (["group", "x"], ["group_key", "x"]),
    (["x", "group"], ["x", "group_key"]),
    ([None, None], ["group_key", "group_2"]),
    (["group", "group_key"], ["group_key_key", "group_key"]),
])
def test_of_several_keys_none_is_hidden_by_group(names: list[Any], columns: list[str]) -> None:
    keys = [["a", "b"], [1, 2]]
    g = cxm.nps([9, 1], by=[pd.Series(k, name=n) if n else k for n, k in zip(names, keys)])
    for result in (g, cxm.compare_groups(g)["difference"]):
        d = result.to_dict()
        assert list(d)[:3] == [*columns, "group"]
        assert d["group"] == list(zip(*(d[name] for name in columns)))
        assert list(result.to_arrow().column_names)[:2] == result.key_names
    assert [row.keys for row in g] == [dict(zip(g.key_names, k)) for k in zip(*keys)]
    assert g.matrix("value", index=columns[0], columns=columns[1])["a"][1] == 100
    one = cxm.nps([9, 1], by={"group": ["a", "b"]}).to_dict()
    assert list(one)[:2] == ["group", "metric"] and one["group"] == ["a", "b"]


def test_to_pandas(g: cxm.Result) -> None:
    frame = g.to_pandas()
    assert list(frame.columns) == ["region", *SCHEMA]
    assert frame["n"].tolist() == [1, 3, 1, 1, 1]
    assert frame["flags"][0] == "DEGENERATE|SMALL_N|OFF_CENTRE"
    days = cxm.nps([9, 9], by=[dt.date(2024, 1, 1), None]).to_pandas()["group"]
    assert str(days.dtype).startswith("datetime64") and days.isna().tolist() == [False, True]
    assert str(cxm.nps([9, 9], by=[1, None]).to_pandas()["group"].dtype) == "Int64"
    assert str(cxm.nps([9, 9], by=[1, 2]).to_pandas()["group"].dtype) == "int64"
    assert str(cxm.nps([9, 9], by=[True, None]).to_pandas()["group"].dtype) == "boolean"


def test_to_arrow_and_polars(g: cxm.Result) -> None:
    table = g.to_arrow()
    assert table.column_names == ["region", *SCHEMA]
    assert table["region"].to_pylist() == g.groups
    assert table["flags"].to_pylist()[0] == "DEGENERATE|SMALL_N|OFF_CENTRE"
    assert pa.table(cxm.nps([None], by=["a"]))["value"].to_pylist() == [None]
    frame = g["promoters"].to_polars()
    assert frame["measure"].unique().to_list() == ["promoters"]
    assert pl.DataFrame(g.group("EMEA"))["n"].to_list() == [3]
    assert g.total.to_arrow()["n"].to_pylist() == [7]
    assert duckdb.sql("select sum(n) from frame").fetchall() == [(7,)]


@pytest.mark.parametrize(("values", "kind"), [
    ([2, 1, None], "int64"), ([1.5, None], "double"), ([True, None], "bool"),
    (["a", None], "string"), ([dt.date(2024, 1, 1), None], "date32[day]"),
    ([2**63, None], "uint64"),
])
def test_types_of_keys_in_arrow(values: list[Any], kind: str) -> None:
    g = cxm.nps([9] * len(values), by=values)
    assert str(g.to_arrow().schema.field("group").type) == kind
    assert g.to_arrow()["group"].to_pylist() == g.groups


def test_arrow_and_to_dict_agree(g: cxm.Result) -> None:
    arrow, table = g.to_arrow().to_pydict(), g.to_dict()
    for name in SCHEMA[:-1]:
        for a, b in zip(arrow[name], table[name]):
            assert a == b or (a is None and math.isnan(b))
    assert arrow["flags"] == ["|".join(flags) for flags in table["flags"]]


def test_capsules_that_nobody_takes_are_freed(g: cxm.Result) -> None:
    for _ in range(100):
        g.__arrow_c_stream__()
    capsule = g.__arrow_c_stream__()
    assert "arrow_array_stream" in repr(capsule)
    del capsule
    gc.collect()


def test_matrix() -> None:
    data = {"score": [9, 1, 9, 9], "region": ["a", "a", "b", "b"], "year": [1, 2, 1, 1]}
    g = cxm.nps("score", by=["region", "year"], data=data)
    cells = g.matrix("value", index="region", columns="year")
    assert cells["a"] == {1: 100, 2: -100}
    assert cells["b"][1] == 100 and math.isnan(cells["b"][2])
    assert g.matrix("n", index="region", columns="year")["b"][1] == 2
    wide = cxm.nps("score", by="region", data=data, measures=["nps", "mean"])
    assert wide.matrix(index="region", columns="measure")["b"] == {"nps": 100, "mean": 9}
    refused("matrix: there is no column 'month'; there are region, year, group, metric, measure, "
            "value, std_error, lower, upper, level, interval, n, missing, invalid, excluded, "
            "sum_weight, n_eff, unit, base, definition, flags",
            g.matrix, "value", index="region", columns="month")
    with pytest.raises(cxm.Error, match="there are several rows for metric 'nps' and region 'a'"):
        g.matrix("value", index="metric", columns="region")


def test_pickle(g: cxm.Result) -> None:
    again = pickle.loads(pickle.dumps(g))
    assert again.to_dict() == g.to_dict()
    assert pickle.loads(pickle.dumps(g.group("EMEA")["mean"])).value == g["mean"].group(
        "EMEA").value


def test_the_tally_of_a_result(g: cxm.Result) -> None:
    tally = g.tally
    tally.add(score=[0], by={"region": ["EMEA"]})
    assert g.group("EMEA").n == 3 and tally.estimate().group("EMEA").n == 4
    assert g.total.tally == cxm.nps(SCORE).tally
    assert g.group("EMEA").tally == cxm.nps([10, 3, 10]).tally


def test_results_are_read_when_asked_for_and_stay_as_they_are() -> None:
    tally = cxm.Tally("nps").add(score=[10])
    before = tally.estimate()
    tally.add(score=[0])
    assert before.n == 1 and tally.estimate().n == 2


def test_a_result_is_true_even_without_rows() -> None:
    assert cxm.nps([], by=[])


def test_level_and_interval_of_all_measures() -> None:
    r = cxm.csat(np.array([5, 4, 1]), level=0.9, interval="jeffreys")
    assert r.level == 0.9 and r.interval == "jeffreys" and r["top"].interval == "jeffreys"
    assert r["mean"].interval == "t" and r["mean"].level == 0.9


def test_ordered_categories_keep_their_order_in_groups() -> None:
    order = pd.CategoricalDtype(["low", "mid", "high"], ordered=True)
    g = cxm.nps([9, 9, 9], by=pd.Series(["high", "low", "mid"], dtype=order))
    assert g.groups == ["low", "mid", "high"]
    assert g.to_arrow()["group"].to_pylist() == ["low", "mid", "high"]


def test_very_many_keys_come_as_columns() -> None:
    n = 6000
    numbers: list[Any] = [7 * i - 20_000 if i % 1000 else None for i in range(n)]
    others: list[Any] = [i % 3 if i % 7 else None for i in range(n)]
    score = [i % 11 for i in range(n)]
    for by in ([numbers], [numbers, others]):
        g = cxm.nps(score, by=by)
        assert g.groups == [key[0] if len(by) == 1 else key
                            for key in g._reader.handle.keys(range(g._reader.handle.groups()))]
        assert g._reader.handle.groups() > 5000
    assert cxm.nps(score, by=numbers).groups[-1] is None
    assert cxm.nps(score, by=numbers).group(numbers[5]).n == 1
    assert cxm.nps(score, by=[i + 0.5 for i in range(n)]).groups[-1] == n - 0.5


def test_pickles_know_all_that_was_asked() -> None:
    """A stratum with one unit was an error again, the states of contacts were gone."""
    r = cxm.nps([10, 9, 3, 8], strata=[1, 1, 2, 3], lonely="certainty", threads=2)
    assert pickle.loads(pickle.dumps(r)).to_dict() == r.to_dict()
    day = 86400
    kept: Any = cxm.fcr_window(["a", "a", "b"], opened=[0, 3 * day, 0], as_of=30 * day,
                               resolved=[60, 3 * day + 60, 60], states=True)
    for again in (pickle.loads(pickle.dumps(kept)), copy.deepcopy(kept)):
        assert list(again.states) == ["repeat", "fcr", "fcr"] and type(again) is type(kept)
    rate = cxm.contact_rate(customer=["a", "z"], active=["a", "b"])
    assert pickle.loads(pickle.dumps(rate)).unlinked == 1
    office = cxm.Schedule({"mon-fri": "09:00-17:30"}, holidays={"2024-05-01": "10:00-12:00"},
                          zone_table=[(0, 3600), (10**9, 7200)])
    for same in (pickle.loads(pickle.dumps(office)), copy.copy(office), copy.deepcopy(office)):
        spans = [1714514400] * 2, [1714514400 + k * day for k in (1, 9)]
        assert list(cxm.business_seconds(*spans, schedule=same)) == list(
            cxm.business_seconds(*spans, schedule=office))
    assert copy.copy(r) is r


def test_names_in_the_wrong_place(g: cxm.Result) -> None:
    refused("nps has no measure 'EMEA', that is a group: r.group('EMEA')", g.__getitem__, "EMEA")
    refused("r[0]: in brackets stands the name of a measure, such as r['nps']; rows are list(r), groups "
            "r.group(key)", g.__getitem__, 0)
    for name in ("promoters", "share"):
        with pytest.raises(AttributeError, match=rf"measures are read as r\['{name}'\]"):
            getattr(g, name)
    with pytest.raises(AttributeError, match="'Result' object has no attribute 'promoter'"):
        getattr(g, "promoter")
