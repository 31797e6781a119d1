# SPDX-License-Identifier: GPL-3.0-or-later
"""Single instants and durations of arguments such as as_of= and window=, in whole seconds."""

from __future__ import annotations

from ctypes import addressof, c_uint8
from datetime import date, datetime, timedelta, timezone

from ._errors import Error
from ._memory import U8, plain
from ._names import flag_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    Clock = Union[int, list[tuple[int, int]]]  # seconds east of UTC, or rows of a zone table

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_DATES = ("D", "W", "M", "Y")  # units of NumPy whose values are days
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}


def instant(value: Any, name: str, clock: Clock = 0) -> int:
    """Seconds since 1970 UTC: whole seconds, a date (its first second by ``clock``), a datetime
    (without a zone: UTC), anything that turns into one (pandas, NumPy), or one of these as a text
    such as "2024-03-31" or "2024-03-31 16:30". Fractions of a second are cut off."""
    if isinstance(value, str) and value[4:5] == "-":
        value = _from_text(value)
    elif _is_no_time(value):
        pass
    elif hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime()
    elif type(value).__name__ == "datetime64":
        since = int(value.astype("datetime64[s]").astype("int64"))
        unit = str(value.dtype).partition("[")[2].rstrip("]").lstrip("0123456789")
        return _first_second(since, clock) if unit in _DATES else since
    if isinstance(value, datetime) and not _is_no_time(value):
        zoned = value if value.tzinfo is not None else value.replace(tzinfo=timezone.utc)
        return (zoned - _EPOCH) // timedelta(seconds=1)
    if isinstance(value, date) and not _is_no_time(value):
        return _first_second((value - _EPOCH.date()).days * 86400, clock)
    whole = whole_number(value)
    if whole is None:
        raise Error(
            f"{name}: {value!r} is no instant; pass a datetime, a date, a text such as "
            '"2024-03-31", or seconds since 1970 UTC',
            column=name, value=str(value),
        )
    return whole


def _first_second(local: int, clock: Clock) -> int:
    """When a local day begins; where the clock is set forward over its midnight, the change."""
    rows = clock if isinstance(clock, list) else [(0, clock)]
    begin = local - rows[0][1]
    for since, offset in rows[1:]:
        if begin < since:
            break
        begin = max(local - offset, since)
    return begin


def _from_text(value: str) -> Any:
    """A date or a datetime as ISO 8601 writes it; the text itself where it is none."""
    for kind in (date, datetime):
        try:
            return kind.fromisoformat(value)
        except ValueError:
            continue
    return value


def seconds(value: Any, name: str) -> int:
    """Whole seconds: a number of them, a timedelta, or a text such as "7d", "24h", "30min"."""
    if isinstance(value, timedelta) and not _is_no_time(value):
        whole, rest = divmod(value, timedelta(seconds=1))
        if rest:
            raise Error(f"{name}: {value!r} is not whole seconds", column=name, value=str(value))
        return whole
    if type(value).__name__ == "timedelta64" and not _is_no_time(value):
        cut = value.astype("timedelta64[s]")
        if cut != value:
            raise Error(f"{name}: {value!r} is not whole seconds", column=name, value=str(value))
        return int(cut.astype("int64"))
    if isinstance(value, str):
        digits = value.strip().rstrip("smihndw ")
        unit = _UNITS.get(value.strip()[len(digits):].strip())
        if unit is not None and digits.isdigit():
            return int(digits) * unit
    else:
        number = whole_number(value)
        if number is not None:
            return number
    raise Error(
        f'{name}: {value!r} is no duration; pass seconds, a timedelta, or a text such as "7d"',
        column=name, value=str(value),
    )


def _is_no_time(value: Any) -> bool:
    """NaT, the missing instant or duration of NumPy and pandas? Only that differs from itself."""
    return type(value).__name__ in ("NaTType", "datetime64", "timedelta64") and value != value


def whole_number(value: Any) -> int | None:
    """A whole number of whatever type; None: it is none."""
    if isinstance(value, (bool, str)) or _is_no_time(value):
        return None
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return whole if whole == value else None


def floored_rows(flags: int, n: int) -> Any:
    """Were instants of the call floored to the second? One answer for all its rows."""
    store = (c_uint8 * 1)(int("SUBSECOND" in flag_names(flags)))
    return plain(U8, addressof(store), n, 0, store)


def take_states(call: Any, name: bytes, states: Any, flags: int, n: int) -> None:
    """The call gets the state of every row in place of the two columns they were found from."""
    column = plain(U8, addressof(states), n, 1, states)
    column.name = name
    call._check_indexes()
    del call.columns[:2]
    call.add(name, column)
    call.add(b"subsecond", floored_rows(flags, n))
