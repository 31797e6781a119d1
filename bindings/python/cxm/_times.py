# SPDX-License-Identifier: GPL-3.0-or-later
"""Times of tickets: business hours, waits that are not over yet, service levels, quantiles."""

from __future__ import annotations

from array import array
from ctypes import addressof, byref, c_double, c_uint8, c_uint32, pointer, sizeof
from datetime import date, time

from ._add import filled, threads_of
from ._calendar import _seconds as offset_seconds, _zone_rows
from ._errors import Error, one_of
from ._inputs import Call
from ._instants import instant, seconds, take_states, whole_number
from ._library import Schedule as _Struct
from ._library import (
    Column, ErrorStruct, Holiday, Hours, QuantileOptions, QuantilesOptions, SlaOptions, ZoneRow,
    check, lib,
)
from ._lifetime import columns_of, need
from ._names import checked_level, interval_number
from ._registry import known
from ._report import Report, read_report
from ._result import Result
from ._survival import Curves, kaplan_meier
from ._tally import Tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = 86400


# ---- schedules -----------------------------------------------------------------------------------


class Schedule:
    """When time counts: business hours of a week, holidays, and the clock they are told by.

    >>> office = cxm.Schedule({"mon-fri": "09:00-17:30"}, holidays=["2024-05-01"],
    ...                       utc_offset=8 * 3600)

    ``week``        day or range of days -> hours, or several: ``{"sat": ["09:00-12:00", "13:00-15:00"]}``
    ``holidays``    days that are closed; or a mapping day -> hours of that day
    ``utc_offset``  seconds, local = UTC + offset; or ``zone_table`` with (utc_from, offset) rows.
                    Dates given as instants (``as_of=``, columns of dates) begin at midnight UTC all the
                    same: give datetimes with a zone
    """

    __slots__ = ("_struct", "_rules")

    def __init__(
        self, week: Mapping[str, Any], *, holidays: Any = (), utc_offset: Any = 0,
        zone_table: Any = None,
    ) -> None:
        zone = [] if zone_table is None else _zone_rows(zone_table)
        self._set(sorted(_week(week)), _holidays(holidays), offset_seconds(utc_offset), zone)

    def _set(
        self, hours: list[tuple[int, int]], special: list[tuple[int, list[tuple[int, int]]]],
        offset: int, zone: list[tuple[int, int]],
    ) -> None:
        self._rules = (hours, special, offset, zone)
        self._struct = _Struct()
        self._struct.size = sizeof(_Struct)
        self._struct.week = _hours(hours)
        self._struct.n_week = len(hours)
        store = (Holiday * max(len(special), 1))()
        for slot, (day, opened) in zip(store, special):
            slot.day = day
            slot.hours = _hours(opened) if opened else None
            slot.n_hours = len(opened)
        self._struct.holidays = store
        self._struct.n_holidays = len(special)
        self._struct.utc_offset = offset
        rows = (ZoneRow * max(len(zone), 1))(*(ZoneRow(*row) for row in zone))
        if zone:
            self._struct.zone = rows
            self._struct.n_zone = len(zone)

    def __reduce__(self) -> tuple[Any, ...]:
        return _schedule_of, self._rules

    def __repr__(self) -> str:
        return f"<schedule of {self._struct.n_week} intervals, {self._struct.n_holidays} holidays>"


def _schedule_of(*rules: Any) -> Schedule:
    schedule = Schedule.__new__(Schedule)
    schedule._set(*rules)
    return schedule


def _hours(pairs: Sequence[tuple[int, int]]) -> Any:
    return (Hours * max(len(pairs), 1))(*(Hours(*pair) for pair in pairs))


def _clock(value: str) -> int:
    """ "09:00" -> seconds of the day; "24:00" is its end."""
    hour, _, minute = value.strip().partition(":")
    if not (hour.isdigit() and (minute or "0").isdigit()):
        raise ValueError(value)
    found = int(hour) * 3600 + int(minute or 0) * 60
    if found > _DAY or int(minute or 0) > 59:
        raise ValueError(value)
    return found


def _intervals(value: Any) -> list[tuple[int, int]]:
    """ "09:00-17:30", a list of such, or pairs of datetime.time."""
    if isinstance(value, str):
        value = [value]
    elif isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], time):
        value = [value]
    found = []
    for part in value:
        try:
            if isinstance(part, str):
                start, _, end = part.partition("-")
                found.append((_clock(start), _clock(end)))
            else:
                start, end = part
                found.append((start.hour * 3600 + start.minute * 60 + start.second,
                              end.hour * 3600 + end.minute * 60 + end.second))
        except (ValueError, TypeError, AttributeError):
            raise Error(f'schedule: {part!r} are no hours; write "09:00-17:30"',
                        column="week", value=str(part)) from None
        if found[-1][1] <= found[-1][0]:
            raise Error(f'schedule: {part!r} end before they start; a day ends at "24:00", and what '
                        "comes after is of the next one", column="week", value=str(part))
    return found


def _day(name: str) -> int | None:
    """ "mon", "Thurs", "friday" -> 0 … 6."""
    name = name.strip()
    return next((i for i, d in enumerate(_DAYS) if len(name) > 2 and d.startswith(name)), None)


def _week(week: Any) -> list[tuple[int, int]]:
    if not hasattr(week, "items") or len(week) == 0:
        raise Error('schedule: the week is {"mon-fri": "09:00-17:30", …}', column="week")
    found = []
    for days, hours in week.items():
        first, _, last = str(days).lower().partition("-")
        begin, end = _day(first), _day(last or first)
        if begin is None or end is None:
            raise Error(f'schedule: {days!r} is no day; write "mon" or "mon-fri"', column="week",
                        value=str(days))
        if end < begin:
            raise Error(f"schedule: {days!r} runs backwards", column="week", value=str(days))
        for day in range(begin, end + 1):
            found += [(day * _DAY + a, day * _DAY + b) for a, b in _intervals(hours)]
    return found


def _holidays(holidays: Any) -> list[tuple[int, list[tuple[int, int]]]]:
    given = holidays.items() if hasattr(holidays, "items") else ((h, ()) for h in holidays)
    found: list[tuple[int, list[tuple[int, int]]]] = []
    seen: set[int] = set()
    for day, hours in given:
        try:
            when = date.fromisoformat(day) if isinstance(day, str) else day
            local = instant(date(when.year, when.month, when.day), "holidays") // _DAY
        except (ValueError, AttributeError):
            raise Error(f"schedule: {day!r} is no day", column="holidays",
                        value=str(day)) from None
        if local in seen:
            raise Error(f"schedule: the holiday {when:%Y-%m-%d} is there twice", column="holidays",
                        value=str(day))
        seen.add(local)
        found.append((local, _intervals(hours) if hours else []))
    return sorted(found)


def _schedule(schedule: Any) -> Any:
    if schedule is None:
        return None
    if not isinstance(schedule, Schedule):
        raise Error("schedule must be a cxm.Schedule", column="schedule")
    return byref(schedule._struct)


# ---- waits -------------------------------------------------------------------------------------


def business_seconds(
    start: Any, end: Any, *, schedule: Schedule, data: Any = None
) -> array[float]:
    """Seconds of business hours between two instants of every row; NaN where one is missing, or
    the end is before the start. Additive over adjacent intervals, 0 where both are equal."""
    if schedule is None:
        raise Error("business_seconds needs schedule=", column="schedule")
    a, b = columns_of(data, {"start": start, "end": end}, ("start", "end"))
    found, error = array("d", bytes(8 * int(a.n))), ErrorStruct()
    check(lib.cxm_business_seconds(
        byref(a), byref(b), _schedule(schedule), _doubles(found), None, None, byref(error)), error)
    return found


def _doubles(store: array[float]) -> Any:
    return (c_double * len(store)).from_buffer(store) if store else (c_double * 1)()


def ticket_times(
    opened: Any, ended: Any, *, as_of: Any, schedule: Schedule | None = None, data: Any = None,
    by: Any = None, quantiles: Iterable[float] = (0.9, 0.95), times: Any = None,
    level: float = 0.95, interval: str | None = None, total: bool = False,
    missing_key: str = "keep", threads: int | None = None,
) -> Curves:
    """How long tickets wait for a reply or a solution, with those that still wait counted as what
    they are: a wait of at least ``as_of - opened``. The mean or median of the answered ones alone
    is too low.

    The report of :func:`kaplan_meier` over the waits, in seconds (of ``schedule``, if given):
    ``median``, ``quantile[p]``, and ``survival``, the share still waiting; ``times=`` at these
    waits only, so that ``1 - survival`` is the share answered within a target.
    Tickets opened after as_of, ended before they were opened or without an opening are missing.
    """
    need("ticket_times", opened=opened, ended=ended, as_of=as_of)
    o, e = columns_of(data, {"opened": opened, "ended": ended}, ("opened", "ended"))
    n = int(o.n)
    waits, over = array("d", bytes(8 * n)), (c_uint8 * max(n, 1))()
    flags, error = c_uint32(), ErrorStruct()
    check(lib.cxm_ticket_durations(
        byref(o), byref(e), instant(as_of, "as_of"), _schedule(schedule), _doubles(waits), over,
        None, byref(flags), byref(error)), error)
    if times is not None:
        many = hasattr(times, "__iter__") and not isinstance(times, str)
        times = [seconds(t, "times") for t in (times if many else [times])]
    return kaplan_meier(
        waits, array("B", bytes(over)[:n]), data=data, by=by, level=level,
        interval=interval, quantiles=quantiles, times=times, total=total, missing_key=missing_key,
        threads=threads)


def sla(
    opened: Any, answered: Any, *, target: Any, as_of: Any, schedule: Schedule | None = None,
    variant: str | None = None, data: Any = None, by: Any = None, level: float = 0.95,
    interval: str | None = None, measures: Any = None, missing_key: str = "keep",
    threads: int | None = None,
) -> Any:
    """Service-level attainment (服务水平达成率): the share of tickets answered within ``target``
    (seconds, a timedelta, "30min"), exactly at the target included.

    ``sla``      of the tickets whose deadline is not after ``as_of``: the default
    ``closed``   of those that were answered: flattering, who waits does not count
    ``known``    of the due ones and those answered early: flattering for young tickets

    With ``schedule`` only business hours count. ``variant`` "due", "closed" or "known" makes that
    one the headline; ``"km"`` also uses the waits that are not over yet: 1 - S(target) of the curve
    of Kaplan & Meier (1958), a :class:`Report` with a row a group, Greenwood's standard error, limits
    log-log (or another interval of survival curves), the axes ``at_risk`` and ``events``.

    >>> minute = 60
    >>> opened, answered = [0, 15 * minute, 450 * minute], [10 * minute, 70 * minute, None]
    >>> cxm.sla(opened, answered, target="30min", as_of=480 * minute).value
    0.3333333333333333
    """
    need("sla", opened=opened, answered=answered, target=target, as_of=as_of)
    level = checked_level(level)
    if variant is not None and variant not in _VARIANTS:
        raise one_of("variant", variant, tuple(_VARIANTS))
    if variant is not None and measures is not None:
        raise Error("variant and measures are two ways to choose", column="variant")
    limit, at = seconds(target, "target"), instant(as_of, "as_of")
    call = Call(data, None, ())
    o = call.column(opened, "opened", key=True)
    a = call.column(answered, "answered", key=True)
    for column, name in ((o, b"opened"), (a, b"answered")):
        column.name = column.name or name
    call.columns += [o, a]
    if variant == "km":
        return _sla_km(call, o, a, limit, at, schedule, by, level, interval, missing_key, threads)
    states, flags, error = (c_uint8 * max(int(o.n), 1))(), c_uint32(), ErrorStruct()
    check(lib.cxm_sla_states(
        byref(o), byref(a), limit, at, _schedule(schedule), states, byref(flags), byref(error)),
        error)
    take_states(call, b"state", states, flags.value, int(o.n))
    if by is not None:
        call.add_by(by)
    params = {"target": limit, "hours": "calendar" if schedule is None else "business"}
    handle = filled(known("sla"), params, call, [], "error", missing_key, threads)
    result = Result(handle, level, interval, measures)
    return result if variant is None else result[_VARIANTS[variant]]


_VARIANTS = {"due": "sla", "closed": "closed", "known": "known", "km": "km"}


def _sla_km(
    call: Call, o: Column, a: Column, target: float, as_of: int, schedule: Schedule | None,
    by: Any, level: float, interval: str | None, missing_key: str, threads: int | None,
) -> Report:
    options = SlaOptions()
    options.size = sizeof(SlaOptions)
    if by is not None:
        call.add_by(by)
    call._check_indexes()
    keys = call.columns[2:]
    block = (Column * max(len(keys), 1))(*keys)
    if keys:
        options.by, options.n_by = addressof(block), len(keys)
    options.level, options.target, options.as_of = level, target, as_of
    options.has_target = options.has_as_of = 1
    options.interval = 0 if interval is None else interval_number(interval)
    if missing_key not in ("keep", "leave_out"):
        raise one_of("missing_key", missing_key, ("keep", "leave_out"))
    options.missing_key = int(missing_key != "keep")
    options.threads = threads_of(threads, o.n)
    if schedule is not None:
        _schedule(schedule)  # refuses what is none
        options.schedule = pointer(schedule._struct)
    return read_report(lambda out, error: lib.cxm_sla_km(
        byref(o), byref(a), byref(options), out, error))


# ---- quantiles -----------------------------------------------------------------------------------


def quantiles(
    value: Any, probs: Iterable[float] = (0.5, 0.9, 0.95, 0.99), *, type: int = 7,
    accuracy: float | None = None, data: Any = None, by: Any = None, labels: Any = None,
    missing_codes: Any = (), freq: Any = None, level: float = 0.95, total: bool = False,
    invalid: str = "error", missing_key: str = "keep", threads: int | None = None,
) -> Report:
    """Quantiles (分位数): exact, or with ``accuracy`` from a DDSketch of that relative accuracy.

    ``type``  7 (default, as NumPy, R and GSL), 1 (the smallest observed value with F(x) >= p), or
              any of the nine of Hyndman & Fan
    ``value`` numbers; or a :class:`Tally` of "quantiles" or "sketch", which is read

    Rows ``quantile[p]`` with limits from order statistics (axis ``coverage``: their exact
    confidence). Tallies merge bit for bit: ``cxm.Tally("sketch", accuracy=0.01).add(value=…)``.

    >>> [row.value for row in cxm.quantiles([5, 5, 19, 20, 60, 60, 185, 270, 340])][:2]
    [60.0, 284.0]
    """
    level = checked_level(level)
    number = whole_number(type)
    if number is None or not 1 <= number <= 9:
        raise Error(f"type must be 1 to 9, not {type!r}", column="type", value=str(type))
    try:
        many: Any = probs if hasattr(probs, "__iter__") else [probs]
        wanted = [float(p) for p in many]
    except (TypeError, ValueError):
        raise Error(f"probs must be numbers between 0 and 1, not {probs!r}",
                    column="probs") from None
    shares = (c_double * max(len(wanted), 1))(*wanted)
    if isinstance(value, (Tally, Result)):
        tally = value if isinstance(value, Tally) else value.tally
        ask = QuantileOptions()
        ask.size = sizeof(QuantileOptions)
        ask.probs, ask.n_probs, ask.level = shares, len(wanted), level
        sketch = tally.metric == "sketch"
        ask.type, ask.total = 0 if sketch and number == 7 else number, int(total)
        handle = tally._ready()
        with handle.lock:
            return read_report(lambda out, error: lib.cxm_tally_quantiles(
                handle.pointer, byref(ask), out, error))
    for name, given, names in (("invalid", invalid, ("error", "count")),
                               ("missing_key", missing_key, ("keep", "leave_out"))):
        if given not in names:
            raise one_of(name, given, names)
    call = Call(data, labels, missing_codes)
    column = call.column(value, "value", call.labels)
    column.name = column.name or b"value"
    call._answers(column)
    call.add(b"value", column)
    options = QuantilesOptions()
    options.size = sizeof(QuantilesOptions)
    if by is not None:
        call.add_by(by)
    keys = call.columns[1:]
    block = (column.__class__ * max(len(keys), 1))(*keys)
    if keys:
        options.by, options.n_by = addressof(block), len(keys)
    if freq is not None:
        copies = call.column(freq, "freq")
        call.add(b"freq", copies)
        options.freq = addressof(copies)
    call._check_indexes()
    options.level, options.total = level, int(total)
    options.invalid, options.missing_key = int(invalid == "count"), int(missing_key != "keep")
    options.threads = threads_of(threads, column.n)
    options.probs, options.n_probs = shares, len(wanted)
    options.type, options.accuracy = 0 if number == 7 else number, accuracy or 0.0
    return read_report(lambda out, error: lib.cxm_quantiles(
        byref(column), byref(options), out, error))

