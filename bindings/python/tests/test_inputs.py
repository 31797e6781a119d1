# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that one container keeps apart and another could run together: texts behind a NUL, days as
midnights, categories of several kinds, instants at the ends of the calendar."""

from __future__ import annotations

import datetime as dt
import decimal
import time
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import cxm

UTC = dt.timezone.utc


def _counts(by: Any) -> dict[Any, int]:
    column = by.column if hasattr(by, "column") else by
    r = cxm.nps([9] * len(column), by=by)
    return {key: r.group(key).n for key in r.groups}


NULS = ["a", "a\0b", "a\0c", "", "a\0\0b", "a\0b", "\0b"]


@pytest.mark.parametrize("values", [
    np.array(NULS), np.array(NULS).astype(">U9"), np.repeat(np.array(NULS), 3)[::3],
    np.array([name.encode() for name in NULS]), np.array(NULS, dtype=object), NULS,
    np.ma.MaskedArray(np.array(NULS), mask=False), pa.array(NULS), pd.Series(NULS),
])
def test_texts_that_differ_behind_a_nul(values: Any) -> None:
    assert _counts(values) == {"": 1, "\0b": 1, "a": 1, "a\0\0b": 1, "a\0b": 2, "a\0c": 1}


class _Bytes:
    """As a library that knows the interface of arrays, and nothing else of NumPy."""

    def __init__(self, values: Any) -> None:
        self.values = values

    @property
    def __array_interface__(self) -> Any:
        return self.values.__array_interface__


def test_texts_of_the_interface_alone() -> None:
    texts = [b"a", b"b", b"a"]
    assert cxm.nps([9] * 3, by=_Bytes(np.array(texts))).groups == ["a", "b"]
    assert cxm.nps([9] * 3, by=_Bytes(np.array([*texts[:2], b"a\0b"]))).groups == ["a", "a\0b", "b"]


def test_a_nul_far_behind_is_found() -> None:
    many = np.array(["abc"] * 9000 + ["a\0c", "a\0d"])
    assert _counts(many) == {"a\0c": 1, "a\0d": 1, "abc": 9000}
    assert _counts(np.array(["abc", "ab", ""] * 5000)) == {"": 5000, "ab": 5000, "abc": 5000}


def test_categories_and_labels_with_a_nul_are_refused() -> None:
    with pytest.raises(cxm.Error, match="NUL") as caught:
        cxm.nps([9, 8], by=pd.Categorical(["a\0b", "a\0c"]))
    assert caught.value.status == "EUNSUPPORTED"
    with pytest.raises(cxm.Error, match="labels: .*NUL"):
        cxm.nps(["a"], labels={"a\0b": 10, "a": 0})
    with pytest.raises(cxm.Error, match="NUL"):
        cxm.nps(["a"], labels={"a": 10}, missing_codes=["a\0"])


def test_categories_that_look_alike_are_refused() -> None:
    for mixed in ([1, "1", 1], [1.0, "1.0"], [None, "None", dt.date(2024, 1, 1), "2024-01-01"]):
        with pytest.raises(cxm.Error, match="two categories are written"):
            cxm.nps([9] * len(mixed), by=pd.Categorical(mixed))
    assert _counts(pd.Categorical([b"a", b"b", b"a"])) == {"a": 2, "b": 1}
    many = [*map(str, range(200_000)), 199_999]  # found in one pass
    with pytest.raises(cxm.Error, match="two categories are written '199999'"):
        cxm.nps([9], by=pd.Categorical.from_codes([0], categories=pd.Index(many, dtype=object)))


@pytest.mark.parametrize("report", [
    lambda values, by: cxm.quantiles(values, by=by), lambda values, by: cxm.chart("xmr", values, period=by),
])
def test_many_categories_are_not_all_looked_at_for_each_row(report: Any) -> None:
    """Reports by texts and by their categories are the same, in about the same time; looking at all
    names for each row took a hundred times as long."""
    names = [f"name {i:06}" for i in range(12_000)]
    values = np.random.default_rng(1).random(len(names))
    reports, seconds = [], []
    for by in (names, pd.Categorical(names, categories=names)):
        start = time.process_time()
        reports.append(report(values, by))
        seconds.append(time.process_time() - start)
    assert repr(reports[0].to_dict()) == repr(reports[1].to_dict())
    assert seconds[1] < 20 * seconds[0]


def test_categories_of_instants_have_months_in_any_order() -> None:
    days = pd.to_datetime(["2024-02-01", "2024-01-05"])
    falling = pd.Categorical([days[1], days[0], None, days[1]], categories=days)
    want = {dt.date(2024, 1, 1): 2, dt.date(2024, 2, 1): 1, None: 1}
    assert _counts(cxm.month(falling)) == want


DAYS = [dt.date(1, 1, 1), dt.date(1969, 12, 31), dt.date(2024, 3, 1), None, dt.date(9999, 12, 31)]


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64()])
@pytest.mark.parametrize("coded", [False, True])
def test_days_are_days_in_either_width(kind: Any, coded: bool) -> None:
    days = pa.array(DAYS, kind)
    days = days.dictionary_encode() if coded else days
    assert _counts(days) == dict.fromkeys(DAYS, 1)
    months = {day and day.replace(day=1): 1 for day in DAYS}
    for rule in ({}, {"utc_offset": -18000}, {"utc_offset": 28800}, {"zone_table": [(0, -18000)]}):
        assert _counts(cxm.month(days, **rule)) == months


def test_instants_at_the_ends_of_the_calendar() -> None:
    east, west = dt.timezone(dt.timedelta(hours=8)), dt.timezone(-dt.timedelta(hours=5))
    first = dt.datetime(1, 1, 1, tzinfo=east)
    last = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=west)
    assert cxm.nps([9, 9], by=[first, last]).groups == [-62135596800 - 28800, 253402300799 + 18000]
    assert _counts(cxm.day([first, None], utc_offset="+08:00")) == {dt.date(1, 1, 1): 1, None: 1}
    summer = dt.datetime(2024, 7, 1, 1, tzinfo=east)
    assert _counts([summer, summer.astimezone(west), summer.astimezone(UTC)]) == {
        dt.datetime(2024, 6, 30, 17): 3}


def test_offsets_and_zone_tables_of_any_whole_number() -> None:
    for offset in (3600, np.int64(3600), "+01:00", dt.timedelta(hours=1)):
        assert _counts(cxm.day([86399], utc_offset=offset)) == {dt.date(1970, 1, 2): 1}
        zone = [(np.int64(0), offset)]
        assert _counts(cxm.day([86399], zone_table=zone)) == {dt.date(1970, 1, 2): 1}
    for wide in (2**64 + 3600, -(2**64)):  # the first would be an hour, cut to 64 bits
        with pytest.raises(cxm.Error, match="utc_offset is a number of seconds"):
            cxm.day([0], utc_offset=wide)
    for wrong in (np.array([3600, 7200]), np.timedelta64(1, "h"), 3600.0, True):
        with pytest.raises(cxm.Error, match="utc_offset is a number of seconds"):
            cxm.day([0], utc_offset=wrong)
    for table in ([(0,)], [0], 5, [(2**64, 0)], [("1970", 0)], [(np.array([0, 1]), 0)]):
        with pytest.raises(cxm.Error, match="zone_table: each row is"):
            cxm.day([0], zone_table=table)


def test_units_that_numpy_would_wrap() -> None:
    for wrong in (np.array([2**61], "M8[W]"), np.array([2**60], "M8[h]"), np.array([5, 2**59], "m8[m]")):
        with pytest.raises(cxm.Error, match="beyond 64 bits"):
            cxm.nps([9] * len(wrong), by=wrong)
    with pytest.raises(cxm.Error, match="units of '2M'"):
        cxm.nps([9], by=np.array([1], "m8[2M]"))
    assert _counts(np.array(["2024-05", "NaT"], "M8[M]")) == {dt.date(2024, 5, 1): 1, None: 1}
    assert _counts(np.array([2, -1], "m8[12h]")) == {86400.0: 1, -43200.0: 1}


class _Column(pd.Series):  # type: ignore[misc]
    """As libraries inherit from pandas, such as those of maps."""


class _Table(pd.DataFrame):  # type: ignore[misc]
    @property
    def _constructor_sliced(self) -> Any:
        return _Column


def test_what_inherits_from_pandas_is_read_as_pandas() -> None:
    score, team = _Column([9, 3], index=[0, 1], name="score"), _Column([1, 2], index=[1, 0], name="team")
    with pytest.raises(cxm.Error, match="team: its pandas index differs from that of score"):
        cxm.nps(score, by=team)
    assert cxm.nps(score, by=_Column([1, 2], name="team")).key_names == ["team"]
    table = _Table({"s": [9, 3, None], "k": ["a", "b", "a"], "odd": [object(), object(), object()]})
    r = cxm.nps("s", by="k", data=table)
    assert [(r.group(k).n, r.group(k).missing) for k in r.groups] == [(1, 1), (1, 0)]
    with pytest.raises(cxm.Error, match="is a table"):
        cxm.nps(table)


def test_periods_of_pandas_in_arrow_are_no_instants() -> None:
    periods = pd.period_range("2024-01", periods=2, freq="M")
    for by in (pa.array(periods), cxm.month(pa.array(periods)), pa.chunked_array([pa.array(periods)])):
        with pytest.raises(cxm.Error, match="periods of pandas"):
            cxm.nps([9, 8], by=by)


def test_decimals_that_are_nearly_whole() -> None:
    near = [decimal.Decimal("9"), decimal.Decimal("8.99999999999999999999")]
    with pytest.raises(cxm.Error, match="row 1 is 8.99999999999999999999, not a whole number"):
        cxm.nps(near)
    r = cxm.nps(near, invalid="count")
    assert (r.n, r.invalid) == (1, 1)


def test_numbers_of_thousands_of_digits() -> None:
    with pytest.raises(cxm.Error, match="row 1 is a number of 16610 bits, beyond 64 bits"):
        cxm.nps([9, 10**5000])
    with pytest.raises(cxm.Error, match="row 0 is a number of 16610 bits, which a float"):
        cxm.nps([10**5000, 9.0])


def test_floats_of_numpy_beside_whole_numbers() -> None:
    """They are floats: none of them lacks digits beside another."""
    assert cxm.mean([np.float32(2**60), 0, 0.5]).n == 3
    for value in ("inf", "-inf"):
        with pytest.raises(cxm.Error, match="value: row 1 is -?inf") as caught:
            cxm.mean([1, np.float32(value), 2.5])
        assert caught.value.row == 1
    with pytest.raises(cxm.Error, match="row 0 is 9007199254740993, which a float beside it"):
        cxm.mean([2**53 + 1, np.float32(1)])


def test_names_that_c_cannot_have() -> None:
    for name in ("\ud800", "k\0x"):
        with pytest.raises(cxm.Error, match="the name .* is not valid Unicode or contains a NUL"):
            cxm.nps("s", by=name, data={"s": [9], name: [1]})
        with pytest.raises(cxm.Error, match="data has no column"):
            cxm.nps(name, data=pa.table({"k": [9]}).to_reader())


def test_long_names_of_keys_stay_distinct() -> None:
    first, second = "q" * 80 + "1", "q" * 80 + "2"
    r = cxm.nps("s", by=[first, second], data={"s": [9], first: [1], second: [2]})
    assert len(set(r.key_names)) == 2
    assert len(set(r.to_arrow().column_names)) == len(r.to_arrow().column_names)
    wide = {"s": [9], "é" * 60 + "a": [1], "é" * 60 + "b": [2]}
    r = cxm.nps("s", by=list(wide)[1:], data=wide)
    assert len(set(r.key_names)) == 2 and "\ufffd" not in "".join(r.key_names)


def test_names_that_fit_stay_as_they_are() -> None:
    """C keeps 63 bytes of a name, and of a longer one 60 and a mark."""
    for n in (58, 59, 60, 61, 62):
        first, second = "q" * n + "1", "q" * n + "2"
        r = cxm.nps("s", by=[first, second], data={"s": [9], first: [1], second: [2]})
        assert r.key_names == [first, second]
        for twice in ("q" * n, "é" * (n // 2)):
            same = cxm.nps([9], by=[pd.Series([1], name=twice), pd.Series([2], name=twice)]).key_names
            assert same[0] == twice and same[1].endswith("_2") and len(set(same)) == 2


def test_wide_whole_keys_beside_a_missing_one_in_pandas() -> None:
    r = cxm.nps([9, 8, 7], by=[2**64 - 1, 0, None])
    assert r.to_pandas()["group"].tolist() == [0, 2**64 - 1, pd.NA]
    assert str(r.to_pandas()["group"].dtype) == "UInt64"
