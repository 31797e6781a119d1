# SPDX-License-Identifier: GPL-3.0-or-later
"""``data=``: every kind of table, names, keys, calendar keys, pairing of rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from pyarrow import dataset
import pytest
from helpers import refused

import cxm

TABLE = {
    "score": [10, 9, 3, None, 7, 10],
    "region": ["EMEA", "APAC", "EMEA", "APAC", None, "EMEA"],
    "channel": [2, 1, 2, 2, 1, 1],
}


def structured() -> Any:
    rows = [
        (-1 if s is None else s, r or "", c)
        for s, r, c in zip(TABLE["score"], TABLE["region"], TABLE["channel"])
    ]
    return np.array(rows, [("score", "i1"), ("region", "U4"), ("channel", "i8")])


class Stream:
    """Nothing but the Arrow protocol."""

    def __init__(self) -> None:
        self.exports = 0

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        self.exports += 1
        return pa.table(TABLE).__arrow_c_stream__(requested_schema)


class Table:
    """A mapping that is no dict."""

    def keys(self) -> Any:
        return TABLE.keys()

    def __getitem__(self, name: str) -> Any:
        return TABLE[name]


FRAMES: dict[str, Any] = {
    "dict": lambda: TABLE,
    "mapping": Table,
    "pandas": lambda: pd.DataFrame(TABLE),
    "pandas with nullable types": lambda: pd.DataFrame(TABLE).convert_dtypes(),
    "pandas with Arrow types": lambda: pd.DataFrame(TABLE).convert_dtypes(
        dtype_backend="pyarrow"),
    "polars": lambda: pl.DataFrame(TABLE),
    "pyarrow": lambda: pa.table(TABLE),
    "pyarrow batch": lambda: pa.record_batch(TABLE),
    "pyarrow chunks": lambda: pa.concat_tables([pa.table(TABLE)[:2], pa.table(TABLE)[2:]]),
    "pyarrow reader": lambda: pa.table(TABLE).to_reader(2),
    "arrow stream": Stream,
    "duckdb": lambda: duckdb.from_arrow(pa.table(TABLE)),
}


@pytest.mark.parametrize("name", FRAMES)
def test_every_kind_of_table(name: str) -> None:
    g = cxm.nps("score", by="region", data=FRAMES[name]())
    assert g.groups == ["APAC", "EMEA", None]
    assert [r.n for r in g] == [1, 3, 1]
    assert [r.missing for r in g] == [1, 0, 0]
    assert g.key_names == ["region"]
    assert g.group("EMEA").value == pytest.approx(100 / 3)


@pytest.mark.parametrize("name", FRAMES)
def test_several_keys(name: str) -> None:
    g = cxm.nps("score", by=["channel", "region"], data=FRAMES[name]())
    assert g.groups == [(1, "APAC"), (1, "EMEA"), (1, None), (2, "APAC"), (2, "EMEA")]
    assert g.key_names == ["channel", "region"]
    assert g.to_dict()["group"] == g.groups
    assert g.to_dict()["channel"] == [1, 1, 1, 2, 2]


def test_structured_numpy() -> None:
    g = cxm.nps("score", by="region", data=structured(), missing_codes=[-1])
    assert g.groups == ["", "APAC", "EMEA"]
    assert (g.total.n, g.total.missing) == (5, 1)


def test_a_stream_is_exported_once() -> None:
    stream = Stream()
    assert cxm.nps("score", by=["channel", "region"], data=stream).total.n == 5
    assert stream.exports == 1


def test_duckdb_query_needs_nothing_else() -> None:
    rel = duckdb.sql("select region, score, count(*) as n from (values ('a', 10), ('a', 10), "
                     "('b', 3)) as t(region, score) group by all")
    g = cxm.nps("score", freq="n", by="region", data=rel)
    assert [r.n for r in g] == [2, 1]
    refused(
        "score: a DuckDBPyRelation cannot be one column, because its rows have no fixed order; "
        "pass it whole as data=… and name the column",
        cxm.nps, rel,
    )


def test_duckdb_types() -> None:
    rel = duckdb.sql(
        "select 1.25::decimal(9, 2) as d, true as b, date '2020-01-02' as day, "
        "timestamptz '2020-01-31 20:00:00+00' as at, 7::utinyint as u, 'x' as e"
    )
    assert cxm.mean("d", data=rel).value == 1.25
    assert cxm.share("b", data=rel).value == 1
    assert cxm.mean("u", by="day", data=rel).groups == [dt.date(2020, 1, 2)]
    at = cxm.month("at", utc_offset="+08:00")
    assert cxm.mean("u", by=at, data=rel).groups == [dt.date(2020, 2, 1)]


def test_pipe() -> None:
    g = pd.DataFrame(TABLE).pipe((cxm.nps, "data"), "score", by="region")
    assert g.groups == ["APAC", "EMEA", None]


def test_lazy_frame_says_collect() -> None:
    refused(
        "data: a LazyFrame has no rows yet; pass data=frame.collect()",
        cxm.nps, "score", data=pl.LazyFrame(TABLE),
    )


def test_what_is_no_table() -> None:
    refused(
        "data: a list is not a table; pass a dict of columns, a pandas, Polars or PyArrow table, "
        "or anything with __arrow_c_stream__",
        cxm.nps, "score", data=[1, 2],
    )
    source = dataset.dataset(pa.table({"score": [9]}))
    refused("data: a InMemoryDataset is no table yet; pass data=x.to_table(), which reads its rows",
            cxm.nps, "score", data=source)
    assert cxm.nps("score", data=source.to_table()).n == 1
    with pytest.raises(cxm.Error, match=r"pass data=x.to_arrow_table\(\), which reads its rows"):
        cxm.nps("score", data=duckdb.connect().execute("SELECT 9 AS score"))


def test_unknown_names() -> None:
    for name in ("dict", "pandas", "polars", "pyarrow", "arrow stream"):
        refused("score: data has no column 'scor'; did you mean 'score'?",
                cxm.nps, "scor", data=FRAMES[name]())
    refused("by: data has no column 'zzz'; it has 'score', 'region', 'channel'",
            cxm.nps, "score", by="zzz", data=TABLE)
    refused("by: 'region' names a column, and a name needs data=…; pass data=, or the values "
            "themselves", cxm.nps, [1], by="region")


def test_doubled_names() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    refused("a: data has several columns named 'a'", cxm.nps, "a", data=frame)
    table = pa.table([[1], [2]], names=["a", "a"])
    refused("a: data has several columns named 'a'", cxm.nps, "a", data=table)
    refused("score: data has several columns named 'a'", cxm.nps, "a", data=table.to_reader())


def test_columns_of_data_and_others_mix() -> None:
    assert cxm.nps("score", by=np.arange(6) % 2, data=TABLE).groups == [0, 1]


# ---- by= ---------------------------------------------------------------------------------------


def test_unnamed_keys() -> None:
    g = cxm.nps([10, 9, 1], by=[["b", "a", "b"], [1, 1, 2]])
    assert g.groups == [("a", 1), ("b", 1), ("b", 2)]
    assert g.key_names == ["group", "group_2"]
    table = g.to_dict()
    assert table["group"] == g.groups
    assert table["group_2"] == [1, 1, 2]


def test_a_list_of_texts_is_one_column() -> None:
    assert cxm.nps([10, 9], by=["b", "a"]).groups == ["a", "b"]
    assert cxm.nps([10, 9], by=("b", "a")).groups == ["a", "b"]


def test_keys_with_names() -> None:
    g = cxm.nps([10, 9], by={"shop": ["b", "a"], "size": [1, 2]})
    assert g.key_names == ["shop", "size"]
    assert list(g)[0].shop == "a" and list(g)[0].keys == {"shop": "a", "size": 2}
    for unnamed in (cxm.nps([9], by=[["a"], [2]]), cxm.backlog([0], [None], at=[1], by=[["a"], [2]])):
        row = list(unnamed)[0]
        assert row.keys == {"group": "a", "group_2": 2} and row.group == ("a", 2)
    named = pd.Series(["b", "a"], name="shop")
    assert cxm.nps([10, 9], by=named).key_names == ["shop"]
    assert cxm.nps([10, 9], by=pl.Series("shop", ["b", "a"])).key_names == ["shop"]


def test_keys_from_a_frame() -> None:
    frame = pd.DataFrame({"shop": ["b", "a"], "size": [1, 2]})
    assert cxm.nps([10, 9], by=frame).groups == [("a", 2), ("b", 1)]
    assert cxm.nps([10, 9], by=pl.DataFrame(frame.to_dict("list"))).key_names == ["shop", "size"]


def test_missing_keys_can_be_left_out() -> None:
    g = cxm.nps("score", by="region", data=TABLE, missing_key="leave_out")
    assert g.groups == ["APAC", "EMEA"]
    total = g.total
    assert (total.n, total.missing, total.excluded) == (4, 1, 1)
    assert total.excluded_by == {"group_left_out": 1}
    assert total.excluded_by["zero_weight"] == 0
    refused("missing_key must be 'keep' or 'leave_out', not 'drop'",
            cxm.nps, "score", by="region", data=TABLE, missing_key="drop")


def test_missing_key_flag() -> None:
    g = cxm.nps("score", by="region", data=TABLE)
    assert "MISSING_KEY" in g.group(None).flags
    assert "MISSING_KEY" not in g.group("EMEA").flags


# ---- pairing -----------------------------------------------------------------------------------


def test_different_lengths() -> None:
    error = refused("by: 998 rows, score has 1000",
                    cxm.nps, [10] * 1000, by=["a"] * 998)
    assert error.column == "by"


def test_pandas_indexes_must_agree() -> None:
    score = pd.Series([10, 1], name="score")
    shuffled = pd.Series(["a", "b"], index=[1, 0], name="region")
    error = refused(
        "region: its pandas index differs from that of score; columns are paired by position, so "
        "align them first or pass .to_numpy()",
        cxm.nps, score, by=shuffled,
    )
    assert error.column == "region"
    assert cxm.nps(score, by=shuffled.to_numpy()).groups == ["a", "b"]
    assert cxm.nps(score, by=pd.Series(["a", "b"])).groups == ["a", "b"]


# ---- calendar ----------------------------------------------------------------------------------

STAMPS = np.array(["2023-12-31T22:00", "2024-01-01T05:00", "2024-03-31T23:59", "NaT"], "M8[s]")


@pytest.mark.parametrize(("rule", "want"), [
    (cxm.day, [dt.date(2023, 12, 31), dt.date(2024, 1, 1), dt.date(2024, 3, 31), None]),
    (cxm.week, [dt.date(2023, 12, 25), dt.date(2024, 1, 1), dt.date(2024, 3, 25), None]),
    (cxm.month, [dt.date(2023, 12, 1), dt.date(2024, 1, 1), dt.date(2024, 3, 1), None]),
    (cxm.quarter, [dt.date(2023, 10, 1), dt.date(2024, 1, 1), None]),
    (cxm.year, [dt.date(2023, 1, 1), dt.date(2024, 1, 1), None]),
])
def test_calendar(rule: Any, want: list[Any]) -> None:
    assert cxm.nps([9] * 4, by=rule(STAMPS)).groups == want


@pytest.mark.parametrize("offset", [28800, dt.timedelta(hours=8), "+08:00", "+08", "+08:00:00"])
def test_utc_offset(offset: Any) -> None:
    got = cxm.nps([9] * 4, by=cxm.month(STAMPS, utc_offset=offset)).groups
    assert got == [dt.date(2024, 1, 1), dt.date(2024, 4, 1), None]
    assert cxm.day(STAMPS, utc_offset="-05:30").utc_offset == -19800
    assert cxm.day(STAMPS, utc_offset="Z").utc_offset == 0


def test_bad_offsets() -> None:
    for offset in ("8", "+8", "+08:0", "east", 1.5, True):
        refused(
            "utc_offset is a number of seconds east of UTC, a timedelta or a text such as "
            f'"+08:00", not {offset!r}', cxm.month, STAMPS, utc_offset=offset,
        )


ZONED = {
    "list": [dt.datetime(2024, 3, 31, 16, 30, tzinfo=dt.timezone.utc)],
    "pandas": pd.Series(pd.to_datetime(["2024-03-31T16:30Z"])),
    "polars": pl.Series([dt.datetime(2024, 3, 31, 16, 30)]).dt.replace_time_zone("UTC"),
}


@pytest.mark.parametrize("name", ZONED)
def test_zoned_instants_need_an_offset(name: str) -> None:
    refused(
        "by: the instants belong to a time zone; pass utc_offset= or a zone table, otherwise "
        "periods would begin at midnight UTC",
        cxm.nps, [9], by=cxm.month(ZONED[name]),
    )
    east = cxm.nps([9], by=cxm.month(ZONED[name], utc_offset="+08:00"))
    assert east.groups == [dt.date(2024, 4, 1)]
    assert cxm.nps([9], by=cxm.month(ZONED[name], 0)).groups == [dt.date(2024, 3, 1)]


def test_zone_table() -> None:
    summer = dt.datetime(2024, 3, 31, 1, tzinfo=dt.timezone.utc)
    table = [(0, 3600), (summer, "+02:00")]
    stamps = [dt.datetime(2024, 3, 30, 22, 30), dt.datetime(2024, 3, 31, 22, 30)]
    got = cxm.nps([9, 9], by=cxm.day(stamps, zone_table=table)).groups
    assert got == [dt.date(2024, 3, 30), dt.date(2024, 4, 1)]
    with pytest.raises(cxm.Error, match="zone_table: each row is"):
        cxm.day(stamps, zone_table=[(dt.datetime(2024, 1, 1), 0)])


def test_calendar_of_named_columns() -> None:
    table = {"score": [9, 9], "at": [0, 86400 * 40]}
    g = cxm.nps("score", by=[cxm.year("at"), cxm.month("at")], data=table)
    assert g.key_names == ["at", "at_month"]
    assert g.groups == [(dt.date(1970, 1, 1), dt.date(1970, 1, 1)),
                        (dt.date(1970, 1, 1), dt.date(1970, 2, 1))]
    assert repr(cxm.month("at")) == "cxm.month('at')"
    g = cxm.nps("score", by={"when": cxm.day("at")}, data=table)
    assert g.key_names == ["when"]


def test_calendar_needs_instants() -> None:
    with pytest.raises(cxm.Error, match="a calendar rule needs instants, and this is text"):
        cxm.nps([9], by=cxm.month(["2024-01-01"]))
    with pytest.raises(cxm.Error, match="a calendar rule needs instants: integers"):
        cxm.nps([9], by=cxm.month([True]))


def test_seconds_are_floored() -> None:
    """One microsecond before the epoch is in December."""
    before = np.array([-1], "M8[us]")
    assert cxm.nps([9], by=cxm.month(before)).groups == [dt.date(1969, 12, 1)]


# ---- what pandas has beside columns ------------------------------------------------------------

ANSWERS = pd.DataFrame({"score": [10, 9, 3, 8], "region": ["a", "b", "a", "a"]})


def test_groups_of_pandas_are_no_columns() -> None:
    groups = ANSWERS.groupby("region")
    hint = "has no rows of its own; pass the frame that was grouped, and by= with the names of its keys"
    refused(f"data: a DataFrameGroupBy {hint}", cxm.nps, "score", data=groups)
    refused(f"score: a SeriesGroupBy {hint}", cxm.nps, groups["score"])
    refused(f"by: a DataFrameGroupBy {hint}", cxm.nps, "score", by=groups, data=ANSWERS)


def test_levels_of_an_index_are_no_columns_of_data() -> None:
    counts = ANSWERS.groupby(["region", "score"]).size()
    for data in (counts.rename("n"), counts.to_frame("n")):
        refused("score: data has no column 'score'; it is a level of the index: pass "
                "data=frame.reset_index()", cxm.nps, "score", freq="n", by="region", data=data)
    flat = counts.reset_index(name="n")
    assert cxm.nps("score", freq="n", by="region", data=flat).to_dict() == cxm.nps(
        "score", by="region", data=ANSWERS).to_dict()
    assert cxm.nps("score", data=ANSWERS["score"]).value == cxm.nps([10, 9, 3, 8]).value


def test_an_index_of_several_levels_is_several_keys() -> None:
    index = pd.MultiIndex.from_frame(ANSWERS[["region", "score"]])
    g = cxm.nps([10, 9, 3, 8], by=index)
    assert g.key_names == ["region", "score"]
    assert g.groups == [("a", 3), ("a", 8), ("a", 10), ("b", 9)]
    assert cxm.nps([10, 9], by=index[:2].set_names([None, None])).key_names == ["group", "group_2"]
    refused("score: an index of 2 levels is not one column; pass one of them, .get_level_values(0), or "
            "as by= all of them", cxm.nps, index)


def test_names_that_are_no_texts() -> None:
    numbered = pd.DataFrame({0: [10, 9], 1: ["a", "b"]})
    text = "names of columns are text here, and data calls one"
    refused(f"score: {text} 0; pass that column itself, data[0], or rename it", cxm.nps, 0,
            data=numbered)
    refused(f"by: {text} 1; pass that column itself, data[1], or rename it", cxm.nps, [10, 9], by=1,
            data=numbered)
    refused("score: data has no column '0', but one called 0, which is no text; pass that column "
            "itself, or rename it", cxm.nps, "0", data=numbered)
    pairs = pd.DataFrame([[10, 1], [3, 2]], columns=pd.MultiIndex.from_tuples([("q", "s"), ("q", "r")]))
    for call in (lambda: cxm.nps(("q", "s"), data=pairs),
                 lambda: cxm.nps([10, 3], by=("q", "s"), data=pairs)):
        with pytest.raises(cxm.Error, match=r"data calls one \('q', 's'\); pass that column itself"):
            call()
    refused("q: the columns of data have 2 levels, and this name has several columns; pass the one "
            "that is meant itself", cxm.nps, "q", data=pairs)
    assert cxm.nps(pairs["q", "s"], by=pairs["q", "r"]).groups == [1, 2]


def test_a_reader_is_read_once() -> None:
    """The second time it has no rows and looks like an empty table."""
    table = pa.table({"score": [10, 9, None], "region": ["a", "b", "a"]})
    reader, other = table.to_reader(), table.to_reader()
    assert cxm.nps("score", by="region", data=reader).total.n == 2
    for metric in (cxm.nps, cxm.csat):
        refused("data: this RecordBatchReader was read before and is empty now; make a new one, or pass "
                "table = reader.read_all() to all calls", metric, "score", data=reader)
    assert cxm.nps("score", data=other).n == 2
    relation = duckdb.sql("SELECT 9 AS score")
    assert [cxm.nps("score", data=relation).n for _ in range(2)] == [1, 1]
    assert cxm.nps("score", data=table.slice(0, 0).to_reader()).flags == ("NO_DATA", "SMALL_N")


class Reader:
    """A reader of another library: nothing holds it weakly, and it has no hash."""

    __slots__ = ("reader",)

    def __init__(self, table: pa.Table) -> None:
        self.reader = table.to_reader()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reader)

    def read_next_batch(self) -> object:
        return self.reader.read_next_batch()

    def __arrow_c_stream__(self, schema: object = None) -> object:
        return self.reader.__arrow_c_stream__(schema)


class WatchedReader(Reader):
    """One that can be watched, and is equal to others."""

    __slots__ = ("__weakref__",)


@pytest.mark.parametrize("kind", [Reader, WatchedReader])
def test_readers_of_other_libraries(kind: type[Reader]) -> None:
    table = pa.table({"score": [10, 9, None]})
    readers = [kind(table), kind(table)]
    assert [cxm.nps("score", data=reader).n for reader in readers] == [2, 2]
    if kind is WatchedReader:
        with pytest.raises(cxm.Error, match="this WatchedReader was read before and is empty now"):
            cxm.nps("score", data=readers[0])


def test_a_reader_that_was_not_handed_over_is_not_read() -> None:
    class Refuses(WatchedReader):
        refuses = True

        def __arrow_c_stream__(self, schema: object = None) -> object:
            if self.refuses:
                raise OSError("not now")
            return super().__arrow_c_stream__(schema)

    reader = Refuses(pa.table({"score": [10, 9, None]}))
    with pytest.raises(OSError, match="not now"):
        cxm.nps("score", data=reader)
    reader.refuses = False
    assert cxm.nps("score", data=reader).n == 2


def test_names_in_other_capitals() -> None:
    refused("score: data has no column 'netpro'; did you mean 'NETPRO'?", cxm.nps, "netpro",
            data={"RESPNUM": [1], "NETPRO": [9]})
    refused("nps has no measure 'Promoters'; did you mean 'promoters'?",
            cxm.nps([9]).__getitem__, "Promoters")
