# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that the library gives to numbers, each looked up once; levels and intervals of a call."""

from __future__ import annotations

from ._errors import Error, closest, one_of
from ._library import lib, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_flags: dict[int, tuple[str, ...]] = {0: ()}
_intervals: dict[int, str] = {}
_units: dict[int, str] = {}


def flag_names(bits: int) -> tuple[str, ...]:
    """The names of the flags that are set."""
    names = _flags.get(bits)
    if names is None:
        found = (lib.cxm_flag_name(1 << i) for i in range(32) if bits >> i & 1)
        names = _flags[bits] = tuple(text(name) for name in found if name is not None)
    return names


def interval_name(interval: int) -> str:
    """Such as "adjusted-wald"."""
    name = _intervals.get(interval)
    if name is None:
        name = _intervals[interval] = text(lib.cxm_interval_name(interval))
    return name


def unit_name(unit: int) -> str:
    """Such as "points"."""
    name = _units.get(unit)
    if name is None:
        name = _units[unit] = text(lib.cxm_unit_name(unit))
    return name


def interval_number(name: Any, metric: Any = None) -> int:
    """The interval with that name; "clopper_pearson" is as good as "clopper-pearson". The message
    lists those that the metric takes."""
    plain = str(name).replace("_", "-").lower()
    number = lib.cxm_interval_from_name(plain.encode())
    if number >= 0:
        return int(number)
    names = [interval_name(i) for i in range(1, 36)] if metric is None else metric.intervals()
    close = closest(plain, names)
    hint = f" did you mean {close!r}?" if close else ""
    there = "there are" if metric is None else f"{metric.name} takes"
    raise Error(
        f"there is no interval {name!r};{hint} {there} {', '.join(names)}", column="interval",
        value=str(name),
    )


_LONELY = ("error", "certainty", "adjust")


def lonely_number(name: Any) -> int:
    """enum cxm_lonely: what a stratum with one unit means."""
    if name == "error":
        return 0
    if name not in _LONELY:
        raise one_of("lonely", name, _LONELY)
    return _LONELY.index(name)


def checked_level(level: Any) -> float:
    """A confidence level, or an error that guesses what was meant."""
    try:
        number = float(level)
    except (TypeError, ValueError, OverflowError):
        number = -1.0
    if 0 < number < 1:
        return number
    hint = number / 100 if 1 < number < 100 else 0.95
    raise Error(
        f"level must be between 0 and 1; did you mean {hint:g}?", column="level", value=str(level)
    )
