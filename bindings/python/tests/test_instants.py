# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments that are one instant or one duration."""

from datetime import date, datetime, timedelta, timezone

import numpy
import pandas
import pytest

import cxm
from cxm._instants import instant, seconds


@pytest.mark.parametrize("value", [
    1_711_902_600,
    1_711_902_600.0,
    datetime(2024, 3, 31, 16, 30),
    datetime(2024, 3, 31, 16, 30, 0, 999_999),
    datetime(2024, 4, 1, 0, 30, tzinfo=timezone(timedelta(hours=8))),
    numpy.datetime64("2024-03-31T16:30:00.250"),
    numpy.int64(1_711_902_600),
    pandas.Timestamp("2024-03-31 16:30", tz="UTC"),
    "2024-03-31 16:30",
    "2024-03-31T16:30:00+00:00",
    "2024-04-01T00:30:00+08:00",
])
def test_instants(value):
    assert instant(value, "as_of") == 1_711_902_600


def test_dates_begin_at_midnight():
    assert instant(date(1970, 1, 2), "as_of") == 86_400
    assert instant("1970-01-02", "as_of") == 86_400
    assert instant(datetime(1969, 12, 31, 23, 59, 59, 500_000), "as_of") == -1
    assert instant(numpy.datetime64("1969-12-31T23:59:59.500"), "as_of") == -1


@pytest.mark.parametrize("value", [
    "31.03.2024", "2024-13-31", "20240331", "1711902600", "", None, 1.5, float("nan"), True, [1],
    numpy.datetime64("NaT"), pandas.NaT, numpy.timedelta64("NaT"),
])
def test_no_instants(value):
    with pytest.raises(cxm.Error, match="as_of"):
        instant(value, "as_of")


@pytest.mark.parametrize("value, want", [
    (7, 7), (7.0, 7), ("7d", 604_800), ("2w", 1_209_600), ("24 h", 86_400), ("30min", 1_800),
    ("30m", 1_800), ("90s", 90), (timedelta(days=7), 604_800), (numpy.timedelta64(2, "h"), 7_200),
])
def test_durations(value, want):
    assert seconds(value, "window") == want


@pytest.mark.parametrize("value", [
    "7", "d", "7x", "-7d", None, 1.5, timedelta(milliseconds=5), numpy.timedelta64(1500, "ms"),
    pandas.Timedelta(milliseconds=1500), numpy.timedelta64("NaT"), numpy.timedelta64("NaT", "s"),
    pandas.NaT,
])
def test_no_durations(value):
    with pytest.raises(cxm.Error, match="window"):
        seconds(value, "window")
