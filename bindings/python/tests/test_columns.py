# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of object that can be a column, read by the library row by row."""

from __future__ import annotations

import array
import ctypes
import datetime as dt
import decimal
import math
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers import elements, keys, refused

import cxm

D = decimal.Decimal
NAN = float("nan")
UTC = dt.timezone.utc
SHANGHAI = dt.timezone(dt.timedelta(hours=8))


class OnlyArray:
    """An object that can only turn into an array."""

    def __array__(self) -> Any:
        return np.array([1.5, 2.5])

    def __len__(self) -> int:
        return 2


NUMBERS: dict[str, tuple[Any, list[float | None]]] = {
    # Python's own
    "list of int": ([1, 2, 3], [1, 2, 3]),
    "list with None": ([1, None, 3], [1, None, 3]),
    "list of float": ([1.5, NAN, -2.0], [1.5, None, -2]),
    "list of int and float": ([1, 2.5], [1, 2.5]),
    "list of bool": ([True, None, False], [1, None, 0]),
    "list of int and bool": ([2, True], [2, 1]),
    "list of Decimal": ([D("1.10"), 2, None, D("NaN"), D("1e3"), D("-0.05")],
                        [1.1, 2, None, None, 1000, -0.05]),
    "list of timedelta": ([dt.timedelta(seconds=1.5), None, -dt.timedelta(days=1)],
                          [1.5, None, -86400]),
    "list of numpy scalars": ([np.int8(3), np.float32(1.5), np.float64(2), None, np.int64(4)],
                              [3, 1.5, 2, None, 4]),
    "list of numpy bools": ([np.True_, np.False_], [1, 0]),
    "list of numpy durations": ([np.timedelta64(90, "m"), None], [5400, None]),
    "list with pandas.NA": ([1, pd.NA, pd.NaT], [1, None, None]),
    "list of None": ([None, None], [None, None]),
    "tuple": ((1, 2), [1, 2]),
    "range": (range(3), [0, 1, 2]),
    "largest integers": ([2**53, -(2**53)], [2.0**53, -(2.0**53)]),
    # buffers
    "array of B": (array.array("B", [1, 255]), [1, 255]),
    "array of h": (array.array("h", [-1, 300]), [-1, 300]),
    "array of q": (array.array("q", [1, 2]), [1, 2]),
    "array of f": (array.array("f", [1.5]), [1.5]),
    "array of d": (array.array("d", [1.5, NAN]), [1.5, None]),
    "empty array": (array.array("d"), []),
    "bytes": (b"\x01\x02", [1, 2]),
    "bytearray": (bytearray([5]), [5]),
    "memoryview": (memoryview(b"\x01\x02\x03"), [1, 2, 3]),
    "strided memoryview": (memoryview(array.array("i", [1, 2, 3, 4]))[::-2], [4, 2]),
    "ctypes array": ((ctypes.c_int16 * 3)(1, 2, 3), [1, 2, 3]),
    "ctypes bools": ((ctypes.c_bool * 2)(True, False), [1, 0]),
    # NumPy
    "numpy": (np.arange(3), [0, 1, 2]),
    "numpy bool": (np.array([True, False]), [1, 0]),
    "numpy strides": (np.arange(6)[::-2], [5, 3, 1]),
    "numpy zero stride": (np.broadcast_to(np.float32(2), 3), [2, 2, 2]),
    "numpy read-only": (np.frombuffer(b"\x01\x00\x02\x00", "<i2"), [1, 2]),
    "numpy big-endian": (np.arange(3).astype(">i4"), [0, 1, 2]),
    "numpy half": (np.array([1.5, NAN], "f2"), [1.5, None]),
    "numpy long double": (np.array([1.5], np.longdouble), [1.5]),
    "numpy field": (np.array([(1, 2.5), (3, 4.5)], [("a", "i1"), ("b", "f8")])["b"], [2.5, 4.5]),
    "numpy masked": (np.ma.masked_array([1, 2, 3], [0, 1, 0]), [1, None, 3]),
    "numpy masked strided": (np.ma.masked_array([1, 2, 3, 4], [0, 0, 1, 0])[::-2], [4, 2]),
    "numpy masked floats": (np.ma.masked_invalid([1.0, NAN]), [1, None]),
    "numpy no mask": (np.ma.masked_array([1, 2]), [1, 2]),
    "numpy object": (np.array([1, None, 2.5], object), [1, None, 2.5]),
    "numpy durations": (np.array([1500, "NaT"], "m8[ms]"), [1.5, None]),
    "numpy hours": (np.array([2, "NaT"], "m8[h]"), [7200, None]),
    "anything with __array__": (OnlyArray(), [1.5, 2.5]),
    # pandas
    "pandas": (pd.Series([1, 2]), [1, 2]),
    "pandas float": (pd.Series([1.5, None]), [1.5, None]),
    "pandas strided": (pd.Series(np.arange(6))[::2].reset_index(drop=True), [0, 2, 4]),
    "pandas Int64": (pd.Series([1, None, 3], dtype="Int64"), [1, None, 3]),
    "pandas Int8 reversed": (pd.Series([1, None, 3, 4], dtype="Int8")[::-1], [4, 3, None, 1]),
    "pandas Float64": (pd.Series([1.5, None], dtype="Float64"), [1.5, None]),
    "pandas boolean": (pd.Series([True, None], dtype="boolean"), [1, None]),
    "pandas categorical numbers": (pd.Series([5, 3, None, 5], dtype="category"), [5, 3, None, 5]),
    "pandas ordered numbers": (pd.Series([5, 3], dtype=pd.CategoricalDtype([5, 3], True)), [5, 3]),
    "pandas Categorical": (pd.Categorical([2, 1, None]), [2, 1, None]),
    "pandas array": (pd.array([1, None, 3], dtype="Int64"), [1, None, 3]),
    "pandas array of floats": (pd.array([1.5, None], dtype="Float64"), [1.5, None]),
    "pandas array of booleans": (pd.array([True, None], dtype="boolean"), [1, None]),
    "pandas array of durations": (pd.array(pd.to_timedelta(["1s", None])), [1, None]),
    "pandas array, sparse": (pd.arrays.SparseArray([0, 1, 0]), [0, 1, 0]),
    "pandas object": (pd.Series([1, None, 2], dtype=object), [1, None, 2]),
    "pandas Arrow": (pd.Series([1, None], dtype="int64[pyarrow]"), [1, None]),
    "pandas Arrow decimal": (pd.Series([D("1.25")], dtype=pd.ArrowDtype(pa.decimal128(9, 2))),
                             [1.25]),
    "pandas sparse": (pd.Series([0, 1, 0], dtype="Sparse[int]"), [0, 1, 0]),
    "pandas durations": (pd.Series(pd.to_timedelta(["1s", None])), [1, None]),
    "pandas Index": (pd.Index([1, 2]), [1, 2]),
    "pandas RangeIndex": (pd.RangeIndex(3), [0, 1, 2]),
    # Polars
    "polars": (pl.Series([1, None, 3]), [1, None, 3]),
    "polars NaN": (pl.Series([1.5, NAN, None]), [1.5, None, None]),
    "polars bool": (pl.Series([True, None]), [1, None]),
    "polars decimal": (pl.Series([D("1.25"), None]), [1.25, None]),
    "polars slice": (pl.Series(range(10))[3:5], [3, 4]),
    "polars chunks": (pl.concat([pl.Series([1]), pl.Series([None, 2])], rechunk=False),
                      [1, None, 2]),
    "polars durations": (pl.Series([dt.timedelta(seconds=2)]), [2]),
    "polars null": (pl.Series([None, None]), [None, None]),
    "polars categorical of numbers": (pl.Series([1, 2], dtype=pl.UInt8), [1, 2]),
    # PyArrow
    "pyarrow": (pa.array([1, None]), [1, None]),
    "pyarrow slice": (pa.array([1, None, 3, 4])[1:3], [None, 3]),
    "pyarrow chunks": (pa.chunked_array([[1], [2, None]]), [1, 2, None]),
    "pyarrow dictionary": (pa.array([3, 3, None, 4]).dictionary_encode(), [3, 3, None, 4]),
    "pyarrow bool": (pa.array([True, False, None])[1:], [0, None]),
    "pyarrow decimal": (pa.array([D("-1.25"), None], pa.decimal128(20, 3)), [-1.25, None]),
}
if sys.byteorder == "little":
    NUMBERS["numpy unaligned"] = (
        np.frombuffer(b"\0\x01\0\0\0\x02\0\0\0", np.uint8)[1:].view("<i4"), [1, 2]
    )


def test_bare_pandas_arrays_are_read_as_their_series() -> None:
    """Element by element NA made floats of them: 2^53 + 1 lost its last digit, money was refused."""
    keys = pd.array([2**53 + 1, None], dtype="Int64")
    assert cxm.nps([9, 3], by=keys).groups == [2**53 + 1, None]
    cents = pd.array([100, None], dtype="Int64")
    assert cxm.revenue(cents, cents)["start"].value == 100
    assert cxm.nps(pd.Series([9, 3], index=[7, 8]), by=keys).total.n == 2  # no index


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name: str) -> None:
    values, want = NUMBERS[name]
    assert elements(values, count=len(want)) == want


def test_generator_is_read_once() -> None:
    assert cxm.total(x for x in (1, 2, None)).value == 3


KEYS: dict[str, tuple[Any, list[Any]]] = {
    "text": (["b", None, "a", "é"], ["a", "b", "é", None]),
    "text with NaN": (["a", NAN], ["a", None]),
    "text beyond ASCII": (["東", "Zürich", "😀"], ["Zürich", "東", "😀"]),
    "empty text": (["", "a"], ["", "a"]),
    "text with NUL": (["a\0b", "a"], ["a", "a\0b"]),
    "bytes": ([b"b", b"a", None], ["a", "b", None]),
    "int": ([3, -1, None], [-1, 3, None]),
    "large int": ([2**63 + 1, 1], [1, 2**63 + 1]),
    "float": ([1.5, -0.5, NAN], [-0.5, 1.5, None]),
    "bool": ([True, False, None], [False, True, None]),
    "date": ([dt.date(2020, 1, 2), None, dt.date(1969, 12, 31)],
             [dt.date(1969, 12, 31), dt.date(2020, 1, 2), None]),
    "naive datetime": ([dt.datetime(2020, 1, 2, 3, 4, 5, 600), None],
                       [dt.datetime(2020, 1, 2, 3, 4, 5), None]),
    "aware datetime": ([dt.datetime(2020, 1, 2, tzinfo=SHANGHAI)], [dt.datetime(2020, 1, 1, 16)]),
    "numpy U": (np.array(["b", "a", ""]), ["", "a", "b"]),
    "numpy U beyond ASCII": (np.array(["béb", "a"]), ["a", "béb"]),
    "numpy U strided": (np.array(["d", "c", "b", "a"])[::-2], ["a", "c"]),
    "numpy U big-endian": (np.array(["b", "a"]).astype(">U1"), ["a", "b"]),
    "numpy U masked": (np.ma.masked_array(np.array(["b", "a"]), [1, 0]), ["a", None]),
    "numpy U of width 0": (np.array(["", ""]), [""]),
    "numpy S": (np.array([b"bb", b"a"]), ["a", "bb"]),
    "numpy object": (np.array(["b", None, "a"], object), ["a", "b", None]),
    "numpy ns": (np.array(["2020-01-01", "NaT"], "M8[ns]"), [dt.datetime(2020, 1, 1), None]),
    "numpy days": (np.array(["2020-01-01", "NaT"], "M8[D]"), [dt.date(2020, 1, 1), None]),
    "numpy hours": (np.array(["2020-01-01T05", "NaT"], "M8[h]"),
                    [dt.datetime(2020, 1, 1, 5), None]),
    "numpy months": (np.array(["2020-02", "NaT"], "M8[M]"), [dt.date(2020, 2, 1), None]),
    "numpy big-endian": (np.array(["2020-01-01"], ">M8[s]"), [dt.datetime(2020, 1, 1)]),
    "list of numpy": ([np.datetime64("2020-01-01"), None], [dt.date(2020, 1, 1), None]),
    "list of numpy text": ([np.str_("b"), np.str_("a")], ["a", "b"]),
    "pandas str": (pd.Series(["b", None, "a"]), ["a", "b", None]),
    "pandas python str": (pd.Series(["b", None], dtype=pd.StringDtype("python")), ["b", None]),
    "pandas object": (pd.Series(["b", None, NAN, "a"], dtype=object), ["a", "b", None]),
    "pandas categories keep their order": (
        pd.Series(["a", "b", None], dtype=pd.CategoricalDtype(["b", "a", "unused"])),
        ["b", "a", None]),
    "pandas numbers as categories": (pd.Series([5, 3, None], dtype="category"), [3, 5, None]),
    "pandas ordered numbers": (
        pd.Series([5, 3], dtype=pd.CategoricalDtype([5, 3], True)), ["5", "3"]),
    "pandas intervals": (pd.cut(pd.Series([1, 5]), [0, 2, 10]), ["(0, 2]", "(2, 10]"]),
    "pandas datetime": (pd.Series(pd.to_datetime(["2020-01-01", None])),
                        [dt.datetime(2020, 1, 1), None]),
    "pandas aware datetime": (pd.Series(pd.to_datetime(["2020-01-01T08:00+08:00", None])),
                              [dt.datetime(2020, 1, 1), None]),
    "pandas bool": (pd.Series([True, False]), [False, True]),
    "polars str": (pl.Series(["b", None, "longer than twelve bytes"]),
                   ["b", "longer than twelve bytes", None]),
    "polars categorical": (pl.Series(["b", "a", None], dtype=pl.Categorical), ["a", "b", None]),
    "polars enum keeps its order": (pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])), ["b", "a"]),
    "polars date": (pl.Series([dt.date(2020, 1, 2), None]), [dt.date(2020, 1, 2), None]),
    "polars datetime": (pl.Series([dt.datetime(2020, 1, 2)]), [dt.datetime(2020, 1, 2)]),
    "polars object": (pl.Series([dt.date(2020, 1, 1)], dtype=pl.Object), [dt.date(2020, 1, 1)]),
    "pyarrow dictionary": (pa.array(["b", None, "a"]).dictionary_encode(), ["a", "b", None]),
    "pyarrow large string": (pa.array(["b", "a"], pa.large_string()), ["a", "b"]),
    "pyarrow string view": (pa.array(["b", "a"], pa.string_view()), ["a", "b"]),
    "pyarrow date32": (pa.array([dt.date(2020, 1, 1)], pa.date32()), [dt.date(2020, 1, 1)]),
}


@pytest.mark.parametrize("name", KEYS)
def test_keys(name: str) -> None:
    values, want = KEYS[name]
    got = keys(values)
    assert got == want
    assert [type(v) for v in got] == [type(v) for v in want]


REFUSED: dict[str, tuple[Any, str]] = {
    "a name": ("abc", "score: 'abc' names a column, and a name needs data=…; pass data=, or the "
                      "values themselves"),
    "a number": (5, "score: int is not a column; pass a list, an array or a series"),
    "a dict": ({}, "score: a dict has no rows in order; pass a list"),
    "a set": ({1}, "score: a set has no rows in order; pass a list"),
    "text among numbers": (
        [1, "a"], "score: row 1 is 'a', a text among numbers; say what it means with labels="
                  "{'a': …}, or missing_codes=['a'] for no answer"),
    "objects": ([1, {}], "score: row 1 is a dict; a column holds numbers, texts, dates, "
                         "durations or None"),
    "dates among numbers": ([1, dt.date(2020, 1, 1)], "score: row 1 is a date among values of "
                                                      "type int; give one kind of value"),
    "mixed zones": ([dt.datetime(2020, 1, 1), None, dt.datetime(2020, 1, 1, tzinfo=UTC)],
                    "score: row 2 is 2020-01-01T00:00:00+00:00: instants with and without a "
                    "time zone are mixed"),
    "too large": ([1, 2**64], "score: row 1 is 18446744073709551616, beyond 64 bits"),
    "no float can hold it": ([2**60 + 1, 1.5], "score: row 0 is 1152921504606846977, which a "
                                               "float beside it cannot hold exactly"),
    "decimals too long": ([D("1e40")], "score: the decimals need more than 38 digits"),
    "no decimal": ([D("Infinity")], "score: row 0 is Infinity, which has no exact decimal of 38 "
                                    "digits"),
    "bad Unicode": (["\ud800"], "score: row 0 is not valid Unicode: '\\ud800'"),
    "characters": (array.array("u", "ab"),
                   "score: arrays of characters are not columns; pass a list of texts"),
    "matrix": (np.zeros((2, 3)), "score: has 2 dimensions (2 x 3); pass one column, such as "
                                 "score[:, 0]"),
    "buffer of 2 dimensions": (memoryview(bytes(6)).cast("B", [2, 3]),
                               "score: has 2 dimensions (2 x 3); pass one column, such as "
                               "score[:, 0]"),
    "0-d": (np.array(3), "score: is a single number (0-d array); a column has rows"),
    "numpy scalar": (np.float64(3), "score: is a single number (0-d array); a column has rows"),
    "complex": (np.array([1j]), "score: arrays of complex numbers are not columns"),
    "records": (np.array([(1, 2.5)], [("a", "i1"), ("b", "f8")]),
                "score: arrays of records of several fields are not columns"),
    "picoseconds": (np.array([1], "m8[ps]"), "score: times in units of 'ps' are not columns"),
    "pandas frame": (pd.DataFrame({"a": [1]}), "score: is a table; pass data=… and name the "
                                               "column"),
    "pandas periods": (pd.Series(pd.period_range("2020", periods=2, freq="M")),
                       "score: a column of period[M] cannot be read; pass its start "
                       "(.dt.start_time) or its text (.astype(str))"),
    "polars frame": (pl.DataFrame({"a": [1]}), "score: is a table; pass data=… and name the "
                                               "column"),
    "lazy frame": (pl.LazyFrame({"a": [1]}), "score: a LazyFrame has no rows yet; call "
                                             ".collect() first"),
    "expression": (pl.col("a"), "score: an expression has no rows; pass data=frame and the name "
                                "of a column, or frame.select(…).to_series()"),
    "lists in a column": (pl.Series([[1]]),
                          "score: the column holds large lists (Arrow format \"+L\"), which "
                          "cannot be read; cast it to a number, a flag, text or a timestamp"),
    "pyarrow table": (pa.table({"a": [1]}), "score: is a table; pass data=… and name the column"),
    "reader": (pa.table({"a": [1]}).to_reader(),
               "score: a RecordBatchReader cannot be one column, because its rows have no fixed "
               "order; pass it whole as data=… and name the column"),
    "half floats": (pa.array([np.float16(1)]),
                    "score: the column holds half-precision floats (Arrow format \"e\"), which "
                    "cannot be read; cast it to a number, a flag, text or a timestamp"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    values, message = REFUSED[name]
    refused(message, cxm.nps, values)


@pytest.mark.skipif(sys.byteorder != "little", reason="the buffer is of the other byte order")
def test_foreign_byte_order_of_a_buffer_is_refused() -> None:
    values = (ctypes.c_int32.__ctype_be__ * 2)(1, 2)
    error = refused(
        "score: the numbers (format '>i') are in another byte order than this machine's; "
        "convert them first",
        cxm.nps, memoryview(values),
    )
    assert error.column == "score"


def test_an_array_cannot_be_resized_while_it_is_read() -> None:
    """The buffer is held for the time of the call only."""
    values = array.array("B", [9, 10])
    assert cxm.nps(values).value == 100
    values.append(1)
    assert cxm.nps(values).n == 3
    for wrong in ({"by": ["a"]}, {"by": 5}, {"scale": (0, 5)}, {"level": 2}):
        with pytest.raises(cxm.Error) as kept:
            cxm.nps(values, **wrong)
        values.append(2)  # the exception with its frames is still there
        assert kept.value.status == "EINVAL"


def test_infinity_is_invalid() -> None:
    error = refused(
        'value: row 1 is inf, not a finite number. If inf means "no answer" pass '
        'missing_codes=[inf]; to count such rows pass invalid="count".',
        cxm.mean, [1.0, float("inf")],
    )
    assert (error.status, error.column, error.row, error.value) == ("EDATA", "value", 1, "inf")
    assert cxm.mean([1.0, float("inf")], invalid="count").invalid == 1


class Producer:
    """Exports an Arrow stream through the protocol and nothing else."""

    def __init__(self, table: Any) -> None:
        self.table = table
        self.taken = 0

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        self.taken += 1
        return self.table.__arrow_c_stream__(requested_schema)


def test_any_arrow_producer() -> None:
    one = Producer(pa.chunked_array([[9, 10], [None, 1]]))
    r = cxm.nps(one)
    assert (r.n, r.missing, one.taken) == (3, 1, 1)
    refused("score: is a table of 2 columns; pass data=… and name the column",
            cxm.nps, Producer(pa.table({"a": [1], "b": [2]})))


def test_wrong_capsule_is_refused() -> None:
    class Wrong:
        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            return pa.schema([("a", pa.int8())]).__arrow_c_schema__()

    refused("score: the object did not hand over an arrow_array_stream capsule",
            cxm.nps, Wrong())


def test_failing_producer() -> None:
    def batches() -> Any:
        yield pa.record_batch({"score": [1]})
        raise RuntimeError("no more")

    reader = pa.RecordBatchReader.from_batches(pa.schema([("score", pa.int64())]), batches())
    with pytest.raises(cxm.Error, match="no more"):
        cxm.nps("score", data=reader)


REPEATED = ["EMEA", "", "亚太", "EMEA", "a\0b", "AMER", "亚太"] * 40


@pytest.mark.parametrize("missing", [[None], [NAN], [pd.NA], [None, NAN, float("nan"), pd.NA, pd.NaT]])
@pytest.mark.parametrize("kind", [
    list, lambda v: pd.Series(v, dtype=object), lambda v: pd.Series(v, dtype="string[python]"),
    lambda v: pd.Series(v, dtype=pd.StringDtype("python", na_value=NAN)),
])
def test_repeated_texts_are_those_of_arrow(kind: Any, missing: Any) -> None:
    texts = [missing[i % len(missing)] if i % 11 == 3 else text for i, text in enumerate(REPEATED)]
    score = [i % 11 for i in range(len(texts))]
    plain = pa.array([text if isinstance(text, str) else None for text in texts])
    given = cxm.Tally("nps").add(score=score, by=kind(texts))
    assert given.save() == cxm.Tally("nps").add(score=score, by=plain).save()
    assert given.estimate().groups == ["", "AMER", "EMEA", "a\0b", "亚太", None]


def test_repeated_texts_with_labels() -> None:
    answers = ["good", None, "bad", "offered"] * 100
    labels = {"good": 1, "bad": 0, "offered": None}
    r = cxm.fcr(answers, labels=labels)
    assert (r.value, r.n, r.missing) == (0.5, 200, 200)
    with pytest.raises(cxm.Error) as caught:
        cxm.fcr([*answers, "odd", "odder"], labels=labels)
    assert (caught.value.row, caught.value.value) == (400, "odd")


@pytest.mark.parametrize("odd", [b"a", [1], D(1), dt.date(2024, 1, 1)])
def test_what_is_no_text_among_repeated_ones_is_named(odd: Any) -> None:
    with pytest.raises(cxm.Error) as caught:
        cxm.nps([1] * 301, by=pd.Series(["a", "b", None] * 100 + [odd], dtype=object))
    assert caught.value.row == 300


def test_texts_of_a_kind_of_their_own_are_texts() -> None:
    r = cxm.nps([1] * 400, by=["a", np.str_("a"), "b", np.str_("c")] * 100)
    assert dict(zip(r.groups, r["nps"].to_dict()["n"])) == {"a": 200, "b": 100, "c": 100}


def test_a_repeated_text_that_is_no_unicode_is_named_by_its_row() -> None:
    with pytest.raises(cxm.Error) as caught:
        cxm.nps([1] * 300, by=["a"] * 200 + ["\ud800"] * 100)
    assert caught.value.row == 200


def test_many_texts_of_a_customer_list() -> None:
    before = [f"c{i % 5000}" for i in range(20000)]
    r = cxm.retention(customers_before=before, customers_after=before[:2500])
    assert (r.value, r.n) == (0.5, 5000)


def test_digits_in_quotes_are_named() -> None:
    with pytest.raises(
        cxm.Error, match='score: the column holds text, such as "5", not ratings; turn digits'
    ):
        cxm.csat(["Blank", "5", "4"], missing_codes=["Blank"])
    with pytest.raises(cxm.Error, match="score: the column holds text, not ratings; pass labels= to say"):
        cxm.csat(["good", None])
    with pytest.raises(cxm.Error, match="score: the column holds text, not ratings"):
        cxm.csat(["", "Blank"])
    with pytest.raises(
        cxm.Error, match=r"churn needs active_after= beside active_before=; .*share\(numerator"
    ):
        cxm.churn([1, 0, 1])


def test_missing_marks_of_many_kinds_beside_texts() -> None:
    values = ["a", pd.NA, None, math.nan, pd.NaT, np.float32("nan")]
    assert keys(values) == keys(values * 30) == ["a", None]
    with pytest.raises(cxm.Error, match="by: row 1 is 'a', a text among numbers"):
        keys([np.float32(1.5), "a"])  # was an endless recursion


def test_decimals_that_signal() -> None:
    assert elements([decimal.Decimal("sNaN"), decimal.Decimal("2.5"), 3, None]) == [None, 2.5, 3, None]


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA])
def test_texts_of_numpy_of_any_width(missing: Any) -> None:
    texts: Any = np.dtypes.StringDType(na_object=missing)
    assert keys(np.array(["b", missing, "\u4e2d", "b"], dtype=texts)[::-1]) == ["b", "\u4e2d", None]


def test_scalars_of_pyarrow_are_no_numbers() -> None:
    with pytest.raises(cxm.Error, match="value: row 0 is a Int64Scalar; a column holds"):
        cxm.mean([pa.scalar(3), pa.scalar(None, pa.int64())])


def test_labels_that_are_no_text() -> None:
    refused("labels: '\\ud800' is not valid Unicode or contains a NUL character", cxm.mean, ["a"],
            labels={"\ud800": 1})
