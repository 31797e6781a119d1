# SPDX-License-Identifier: GPL-3.0-or-later
"""Cohort matrices: events become a tally of cohorts, the tally a report."""

from __future__ import annotations

from ctypes import addressof, byref, c_int64, c_void_p, sizeof

from ._add import add_options, threads_of
from ._calendar import _RULES, _seconds, _zone_rows
from ._errors import Error, one_of
from ._handle import Handle
from ._inputs import Call
from ._instants import instant, seconds, whole_number
from ._library import CohortsBase, CohortsOptions, Column, ErrorStruct, ZoneRow, check, lib
from ._memory import NO_TIME, S
from ._names import checked_level, interval_number
from ._registry import known
from ._report import Report, read_report
from ._tally import Tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import timedelta
    from typing import Any, Union

    Unit = Union[str, int, timedelta]

_BOOL, _BITS = 11, 12


class Cohorts(Report):
    """A cohort matrix: a report, and its ``tally``, which merges with those of other customers.

    ``r.matrix("value", index="cohort", columns="period")`` is the triangle, ``r["pooled"]`` its
    average row.
    """

    __slots__ = ("tally",)

    tally: Tally


def cohorts(
    customer: Any = None,
    time: Any = None,
    *,
    as_of: Any = None,
    unit: Unit = "month",
    mode: str = "calendar",
    criterion: str = "on",
    start: Any = None,
    brackets: Sequence[int] | None = None,
    n_periods: int | None = None,
    denominator: str = "cohort",
    rows: str | None = None,
    hour_floor: bool = False,
    utc_offset: Any = None,
    zone_table: Any = None,
    data: Any = None,
    by: Any = None,
    level: float = 0.95,
    interval: str | None = None,
    invalid: str = "error",
    threads: int | None = None,
) -> Cohorts:
    """Retention by cohort (同期群留存率): of the customers who began in one period, the share who
    came back in each period after it.

    ``customer, time``  one event a row, in any order; all events of a customer in one call
    ``as_of``           up to when everything is known; later events are unseen. Required
    ``unit``            "day", "week" (ISO), "month", "quarter", "year", or seconds, "36h" …
    ``mode``            "calendar": column = period of the event - period of the start;
                        "rolling": floor((event - start) / length), a length being a day, 7, 30,
                        90 or 365 days, or that of ``unit``
    ``criterion``       "on": an event in the column; "on_or_after": in it or later (such cells can
                        still rise: PROVISIONAL)
    ``brackets``        edges [0, 1, 4, 7, 14]: columns [0, 1), [1, 4) … in units
    ``start``           what begins a customer, where it is not the first event: yes or no (bool)
                        for start events, which are no returns themselves, or instants. Events
                        before it are ignored; a row with a start and no time is a customer
                        without an event
    ``n_periods``       how many columns; None: all that have begun
    ``denominator``     rolling: "cohort": a cell is known when it is over for the whole cohort;
                        "customer": each customer counts as soon as the column is over for them
    ``rows``            another unit for the cohorts: months of start, daily columns
    ``hour_floor``      times floored to the local hour first, as Amplitude does
    ``utc_offset, zone_table``  where days begin; see :func:`cxm.month`. Periods of so many seconds
                        begin by ``utc_offset``. Dates are local days and stay in their periods;
                        beside instants, and as ``as_of``, they are the first second of the day

    A cell that cannot be known yet is NaN, flagged PROVISIONAL, and its customers are excluded
    (``pending``); never 0. Rows: measure ``retention`` (axes cohort, period; at_risk: size of the
    cohort, events: who came back so far; Wilson interval), then over the cohorts ``pooled`` (sums
    of known cells), ``simple_mean`` (a cohort a vote), ``size_weighted`` (Mixpanel's documented
    average); ``customers``, ``events`` and why events are ``excluded`` (axis reason).

    The ``tally`` merges with those of disjoint customers; ``cohorts(tally)`` reads a merged one.

    >>> r = cxm.cohorts([1, 1, 2], [0, 2678400, 86400], as_of=5097600)
    >>> r.matrix("value", index="cohort", columns="period")
    {datetime.date(1970, 1, 1): {0: 1.0, 1: 0.5, 2: nan}}
    """
    level = checked_level(level)
    number = 0 if interval is None else interval_number(interval)
    if isinstance(customer, Tally):
        return _report(customer._lend(), level, number, None)
    for name, value in (("customer", customer), ("time", time), ("as_of", as_of)):
        if value is None:
            raise Error(f"cohorts needs {name}=", column=name)
    call = Call(data, None, ())
    try:
        options = CohortsOptions()
        options.size = sizeof(CohortsOptions)
        c, t, keep = _columns(call, options, customer, time, start, by)
        keep += _rules(options, as_of, unit, mode, criterion, brackets, n_periods, denominator,
                       rows, utc_offset, zone_table)
        options.hour_floor = int(bool(hour_floor))
        options.invalid = int(invalid == "count")
        add_options(invalid, "keep", threads, 0)  # refuses other words
        options.threads = threads_of(threads, int(t.n))
        out, base, error = c_void_p(), CohortsBase(), ErrorStruct()
        check(lib.cxm_cohorts_tally(
            byref(c), byref(t), byref(options), None, byref(out), byref(base), byref(error)),
            error)
    finally:
        call.columns.clear()
    return _report(Handle(out.value, known("cohorts")), level, number, base)


def _report(handle: Handle, level: float, interval: int, base: Any) -> Cohorts:
    pointer = None if base is None else byref(base)
    with handle.lock:
        report = read_report(lambda out, error: lib.cxm_cohorts_report(
            handle.pointer, level, interval, pointer, out, error))
    made = Cohorts(report._store)
    made.tally = Tally._of(handle, True)
    return made


def _columns(
    call: Call, options: Any, customer: Any, time: Any, start: Any, by: Any
) -> tuple[Column, Column, list[Any]]:
    """The columns of the events, checked to be of the same rows."""
    c = call.column(customer, "customer", key=True)
    t = call.column(time, "time", key=True)
    c.name, t.name = c.name or b"customer", t.name or b"time"
    call.add(b"customer", c)
    call.add(b"time", t)
    if start is not None:
        s = call.column(start, "start", key=True)
        s.name = s.name or b"start"
        call.add(b"start", s)
        if s.type in (_BOOL, _BITS):
            options.start_flag = addressof(s)
        else:
            if s.time_unit == NO_TIME and t.time_unit != NO_TIME:
                raise Error(
                    f"{s.name.decode()}: numbers beside a column of times; start is instants, or "
                    "yes and no as bool (start == 1)",
                    column=s.name.decode(),
                )
            options.start_time = addressof(s)
            if s.time_unit == NO_TIME:
                s.time_unit = S
    if t.time_unit == NO_TIME:
        t.time_unit = S
    n = len(call.columns)
    if by is not None:
        call.add_by(by)
    call.inputs()  # refuses columns of different indexes
    keys = call.columns[n:]
    array = (Column * max(len(keys), 1))(*keys)
    options.by = addressof(array) if keys else None
    options.n_by = len(keys)
    return c, t, [array, keys]


def _choice(name: str, value: Any, words: Iterable[str]) -> int:
    words = tuple(words)
    if value not in words:
        raise one_of(name, value, words)
    return words.index(value)


def _rules(
    options: Any, as_of: Any, unit: Any, mode: str, criterion: str, brackets: Any,
    n_periods: Any, denominator: str, rows: Any, utc_offset: Any, zone_table: Any,
) -> list[Any]:
    """How events become cells; returns what the options point to."""
    offset = None if utc_offset is None else _seconds(utc_offset)
    zone_rows = [] if zone_table is None else _zone_rows(zone_table)
    options.as_of, options.has_as_of = instant(as_of, "as_of", zone_rows or offset or 0), 1
    if isinstance(unit, str) and unit in _RULES:
        options.unit = _RULES[unit]
    else:
        options.length = seconds(unit, "unit")
        if options.length < 1:
            raise Error(f"unit: {unit!r} is no length of time", column="unit")
    options.mode = _choice("mode", mode, ("calendar", "rolling"))
    options.criterion = _choice("criterion", criterion, ("on", "on_or_after"))
    options.denominator = _choice("denominator", denominator, ("cohort", "customer"))
    options.rows = 0 if rows is None else _choice("rows", rows, _RULES) + 1
    keep: list[Any] = []
    if n_periods is not None:
        columns = whole_number(n_periods)
        if columns is None or columns < 1:
            raise Error(f"n_periods must be 1 or more, not {n_periods!r}", column="n_periods")
        options.n_periods = columns
    if brackets is not None:
        given = list(brackets)
        edges = [e for e in map(whole_number, given) if e is not None and abs(e) < 2**63]
        if len(edges) < 2 or len(edges) < len(given):
            raise Error("brackets: two edges or more, whole numbers of units", column="brackets")
        array = (c_int64 * len(edges))(*edges)
        options.brackets, options.n_brackets = addressof(array), len(edges)
        keep.append(array)
    if offset is not None:
        options.utc_offset, options.has_utc_offset = offset, 1
    if zone_table is not None:
        zone = (ZoneRow * len(zone_rows))(*[ZoneRow(*row) for row in zone_rows])
        options.zone, options.n_zone = addressof(zone), len(zone_rows)
        keep.append(zone)
    return keep
