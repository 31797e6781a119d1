# SPDX-License-Identifier: GPL-3.0-or-later
"""Calendar keys: groups by the day, ISO week, month, quarter or year of an instant."""

from __future__ import annotations

from math import floor
from operator import index

from ._errors import Error
from ._library import Column, ZoneRow
from ._memory import HAS_OFFSET, NO_TIME, S

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta
    from typing import Any, Union

    Offset = Union[int, timedelta, str]
    ZoneTable = Iterable[tuple[Union[int, datetime], Offset]]

_RULES = {"day": 1, "week": 2, "month": 3, "quarter": 4, "year": 5}


class CalendarKey:
    """A column of instants and the rule that makes keys of them; see :func:`month`."""

    __slots__ = ("column", "rule", "utc_offset", "zone_table")

    def __init__(
        self, column: Any, rule: str, utc_offset: Offset | None, zone_table: ZoneTable | None
    ) -> None:
        self.column = column
        self.rule = rule
        self.utc_offset = None if utc_offset is None else _seconds(utc_offset)
        self.zone_table = None if zone_table is None else _zone_rows(zone_table)

    def __repr__(self) -> str:
        named = self.column if isinstance(self.column, str) else type(self.column).__name__
        return f"cxm.{self.rule}({named!r})"

    def apply(self, column: Column) -> Column:
        """Sets the rule on a column."""
        column.calendar = _RULES[self.rule]
        if column.time_unit == NO_TIME:
            column.time_unit = S
        if self.utc_offset is not None:
            column.utc_offset = self.utc_offset
            column.flags |= HAS_OFFSET
        if self.zone_table is not None:
            self._set_zone(column)
        return column

    def _set_zone(self, column: Column) -> None:
        from ctypes import addressof

        rows = [ZoneRow(*row) for row in self.zone_table or ()]
        table = (ZoneRow * len(rows))(*rows)
        column.zone = addressof(table)
        column.n_zone = len(table)
        column.keep = (column.keep, table)


def _seconds(offset: Offset) -> int:
    """28800, timedelta(hours=8) or "+08:00"."""
    if isinstance(offset, str):
        return _clock(offset)
    whole = _whole(offset)
    if whole is not None:
        return whole
    days, seconds = getattr(offset, "days", None), getattr(offset, "seconds", None)
    if isinstance(days, int) and isinstance(seconds, int):
        return days * 86400 + seconds
    raise _bad_offset(offset)


def _clock(offset: str) -> int:
    if offset in ("Z", "UTC"):
        return 0
    sign, parts = offset[:1], offset[1:].split(":")
    digits = all(p.isdigit() and len(p) == 2 for p in parts)
    if sign not in ("+", "-") or not digits or not 1 <= len(parts) <= 3:
        raise _bad_offset(offset)
    hours, minutes, seconds = (list(map(int, parts)) + [0, 0])[:3]
    east = (hours * 60 + minutes) * 60 + seconds
    return east if sign == "+" else -east


def _whole(value: Any) -> int | None:
    """A whole number of any type that 64 bits hold; ctypes would cut others off."""
    try:
        whole = None if isinstance(value, bool) else index(value)
    except TypeError:
        return None
    return whole if whole is not None and -(2**63) <= whole < 2**63 else None


def _bad_offset(offset: object) -> Error:
    return Error(
        "utc_offset is a number of seconds east of UTC, a timedelta or a text such as "
        f"\"+08:00\", not {offset!r}",
        column="utc_offset", value=str(offset),
    )


def _zone_rows(table: ZoneTable) -> list[tuple[int, int]]:
    try:
        rows = [(start, offset) for start, offset in table]
    except (TypeError, ValueError):
        raise _bad_row(table) from None
    return sorted((_instant(start), _seconds(offset)) for start, offset in rows)


def _instant(start: Any) -> int:
    whole = _whole(start)
    if whole is not None:
        return whole
    if hasattr(start, "utcoffset") and start.utcoffset() is not None:
        seconds: int = floor(start.timestamp())
        return seconds
    raise _bad_row(start)


def _bad_row(value: object) -> Error:
    return Error(
        "zone_table: each row is (first instant, offset): the instant as seconds since 1970 UTC "
        "or as a datetime with a time zone",
        column="zone_table", value=str(value)[:60],
    )


def day(
    column: Any, utc_offset: Offset | None = None, zone_table: ZoneTable | None = None
) -> CalendarKey:
    """Groups by the local day of an instant; see :func:`month`. Keys are that day."""
    return CalendarKey(column, "day", utc_offset, zone_table)


def week(
    column: Any, utc_offset: Offset | None = None, zone_table: ZoneTable | None = None
) -> CalendarKey:
    """Groups by ISO week; see :func:`month`. Keys are the Monday."""
    return CalendarKey(column, "week", utc_offset, zone_table)


def month(
    column: Any, utc_offset: Offset | None = None, zone_table: ZoneTable | None = None
) -> CalendarKey:
    """Groups by the calendar month of an instant; keys are the first day, as datetime.date.

    ``column``      a column of instants or days, or its name in ``data=``. Whole numbers are
                    seconds since 1970-01-01 UTC
    ``utc_offset``  where the month begins: seconds east of UTC, a timedelta, or ``"+08:00"``.
                    Left out it is 0 for instants without a time zone; for instants with a zone
                    it is required, because a month of UTC is rarely what a report means
    ``zone_table``  for zones with summer time: rows (first instant, offset), the instant as
                    seconds since 1970 UTC or as an aware datetime; used instead of utc_offset

    A missing instant gives the key None.

    >>> answered = {"score": [10, 9], "at": [0, 2678400]}
    >>> cxm.nps("score", by=cxm.month("at", utc_offset="+08:00"), data=answered).groups
    [datetime.date(1970, 1, 1), datetime.date(1970, 2, 1)]
    """
    return CalendarKey(column, "month", utc_offset, zone_table)


def quarter(
    column: Any, utc_offset: Offset | None = None, zone_table: ZoneTable | None = None
) -> CalendarKey:
    """Groups by calendar quarter; see :func:`month`. Keys are its first day."""
    return CalendarKey(column, "quarter", utc_offset, zone_table)


def year(
    column: Any, utc_offset: Offset | None = None, zone_table: ZoneTable | None = None
) -> CalendarKey:
    """Groups by calendar year; see :func:`month`. Keys are the first of January."""
    return CalendarKey(column, "year", utc_offset, zone_table)
