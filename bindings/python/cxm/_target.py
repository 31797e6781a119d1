# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets and scorecards: met, not met, or not known yet."""

from __future__ import annotations

from ctypes import byref, c_double, sizeof
from math import nan

from ._errors import Error, closest, one_of
from ._handle import Handle, new_handle
from ._library import ErrorStruct, ScorecardLine, TargetOptions, check, lib
from ._names import checked_level, interval_number
from ._reader import TOTAL
from ._registry import known
from ._report import Report, read_report
from ._result import Result
from ._tally import Tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Union

    Goal = Union[float, tuple[str, float]]
    Scored = Union[Result, Tally]

_DIRECTIONS = ("at_least", "at_most")


def target(
    result: Scored | None = None,
    target: float | None = None,
    *,
    measure: str | None = None,
    alpha: float = 0.05,
    direction: str | None = None,
    census: bool = False,
    total: bool = False,
    level: float | None = None,
    interval: str | None = None,
    successes: int | None = None,
    n: int | None = None,
    promoters: int | None = None,
    passives: int | None = None,
    detractors: int | None = None,
) -> Report:
    """Whether a measure reaches its target, by a one-sided test.

    ``cxm.target(result, 0.90)`` judges a result or a tally, group by group;
    ``cxm.target(successes=460, n=500, target=0.90)`` a share from its counts;
    ``cxm.target(promoters=40, passives=25, detractors=15, target=20)`` an NPS.

    ``target``      in the unit of the measure: a share in [0, 1], never percent; NPS in points
    ``measure``     another than the headline, such as ``"promoters"``
    ``alpha``       of the one-sided test, 1e-12 or more, below 0.5
    ``direction``   ``"at_least"``, or ``"at_most"``; by default at most for churn, detractors,
                    complaints and the like, at least for everything else
    ``census``      everybody was counted: nothing is tested, the value decides
    ``total``       one more row for all groups merged
    ``level``, ``interval``  of the two-sided interval of the rows; by default the result's

    The report has the axes ``verdict`` ("met", "not met", "inconclusive"), ``p_value`` (in that
    direction), ``p_greater`` and ``p_less``, ``lower_bound`` and ``upper_bound`` (one-sided, each
    at 1 - alpha: Clopper-Pearson for shares, score for NPS, t for means), ``n_needed`` (the answers
    that would settle it at this value, where the verdict is inconclusive), ``point_pass``, and for
    comparison ``wilson_lower`` … or ``adjusted_lower`` …

    Errors: a target off the scale (90 for a share: did you mean 0.9?), a measure without standard
    error, such as a count.

    >>> r = cxm.target(successes=460, n=500, target=0.90)
    >>> r.verdict, round(r.p_value, 6), r.n_needed
    ('inconclusive', 0.075089, 635)
    """
    goal = _number("target", target)
    handle, head = _evidence(result, successes, n, promoters, passives, detractors)
    options = TargetOptions()
    options.size = sizeof(TargetOptions)
    options.alpha = _alpha(alpha)
    options.measure = (measure or head.measure).encode()
    options.level = head.level if level is None else checked_level(level)
    options.interval = head.interval if interval is None else interval_number(interval)
    options.direction = _direction(direction)
    options.census = bool(census)
    options.total = bool(total)
    options.lonely = head.lonely
    with handle.lock:
        return read_report(
            lambda out, error: lib.cxm_target(handle.pointer, goal, byref(options), out, error)
        )


def scorecard(
    results: Iterable[Scored] | Mapping[str, Scored],
    targets: Mapping[str, Goal] | None = None,
    *,
    alpha: float = 0.05,
    direction: str | Mapping[str, str] | None = None,
    census: bool = False,
) -> Report:
    """Several results in one table, with their targets.

    ``results``   results or tallies of any metrics, grouped or not; a mapping gives them names
    ``targets``   by name: ``{"nps": 40, "csat": 0.90, "nps.detractors": 0.15}``: the name of the
                  metric (or of the mapping) means its headline, ``name.measure`` another measure,
                  which gets a row of its own when the result does not show it
    ``direction`` ``"at_least"`` or ``"at_most"``, for all or by the same names; the default is
                  that of :func:`target`
    ``alpha``, ``census``  as in :func:`target`

    The rows are those of the results with ``target, direction, verdict, p_value, n_needed`` behind;
    rows without a target have none of them.

    Errors: a name in ``targets`` that none of the results has; a share target of 90 (did you mean
    0.9?).

    >>> card = cxm.scorecard([cxm.nps([10, 9, 9, 8, 7, 6, 3])], targets={"nps": 40})
    >>> card.verdict
    'inconclusive'
    """
    named = _named(results)
    goals, ways = dict(targets or {}), _ways(direction)
    lines: list[Any] = []
    kept: list[Any] = []  # handles and texts, until the call is over
    used: set[str] = set()
    for name, given in named:
        head = _head(given)
        kept.append(head)
        for measure in _measures_of(name, given, head, goals):
            keys = [f"{name}.{measure}"] + [name] * (measure == head.headline)
            key = next((k for k in keys if k in goals), None)
            used.update(k for k in keys if k in goals)
            lines.append(_line(name, measure, head, goals.get(key or ""), ways, keys, census))
    unknown = [k for k in {**goals, **ways} if k not in used and k != ""]
    if unknown:
        raise _unknown(unknown[0], named)
    array = (ScorecardLine * len(lines))(*lines)
    level = _alpha(alpha)
    return read_report(
        lambda out, error: lib.cxm_scorecard(array, len(lines), level, out, error)
    )


# ---- what is judged ----------------------------------------------------------------------------


class Head:
    """A result or tally as the library needs it: its handle, level, interval, measures."""

    __slots__ = ("handle", "level", "interval", "measure", "headline", "shown", "lonely")

    def __init__(self, given: Any) -> None:
        result = given if isinstance(given, Result) else given.estimate()
        reader = result._reader
        result._counts()  # refuses what the library could not see
        self.level, self.lonely = reader.level, reader.lonely
        self.interval = reader.fitting(result._shown)
        self.measure = result.measure
        self.headline = reader.measures()[0].name if result._shown is None else result.measure
        self.shown = result.measures
        self.handle: Handle = reader.handle
        if result._group is not None:
            self.handle = reader.handle.group(result._group, result._group != TOTAL)


def _head(given: Any) -> Head:
    if not isinstance(given, (Result, Tally)):
        raise Error(
            f"targets are for results and tallies, not for a {type(given).__name__}",
            column="result",
        )
    return Head(given)


def _evidence(
    result: Any, successes: Any, n: Any, promoters: Any, passives: Any, detractors: Any
) -> tuple[Handle, Head]:
    """The tally that is judged."""
    shares = successes is not None or n is not None
    net = promoters is not None or passives is not None or detractors is not None
    if (result is not None) + shares + net != 1:
        raise Error(
            "give a result, or successes and n, or promoters, passives and detractors",
            column="result",
        )
    if result is not None:
        head = _head(result)
        return head.handle, head
    if shares:
        yes, of = _count("successes", successes), _count("n", n)
        if yes > of:
            raise Error("successes must not exceed n", column="successes", value=str(yes))
        counts = [("share", 1.0, yes), ("share", 0.0, of - yes)]
    else:
        counts = [
            ("nps", 10.0, _count("promoters", promoters)),
            ("nps", 8.0, _count("passives", passives)),
            ("nps", 0.0, _count("detractors", detractors)),
        ]
    handle = new_handle(known(counts[0][0]), {})
    for _, value, copies in counts:
        values, error = (c_double * 1)(value), ErrorStruct()
        check(lib.cxm_tally_add_one(handle.pointer, values, 1, None, copies, byref(error)), error)
    return handle, Head(Result(handle))


def _count(name: str, value: Any) -> int:
    whole = value is not None and not isinstance(value, str)
    number = int(value) if whole and value == value and abs(value) < 2**62 else -1
    if number < 0 or number != value:
        raise Error(
            f"{name} must be a whole number, 0 or more, not {value!r}", column=name,
            value=str(value),
        )
    return number


# ---- lines of a scorecard ----------------------------------------------------------------------


def _named(results: Any) -> list[tuple[str, Any]]:
    """Names and results."""
    if hasattr(results, "items"):
        return [(str(name), given) for name, given in results.items()]
    if isinstance(results, (Result, Tally)):
        results = [results]
    listed = list(results)
    return [(_head(given).handle.metric.name, given) for given in listed]


def _measures_of(name: str, given: Any, head: Head, goals: dict[str, Any]) -> list[str]:
    """The measures that a result shows, and those that have a target."""
    measures = list(head.shown)
    result = given if isinstance(given, Result) else given.estimate()
    every = {m.name for m in result._reader.measures()}
    for goal in goals:
        measure = goal[len(name) + 1 :] if goal.startswith(f"{name}.") else ""
        if measure in every and measure not in measures:
            measures.append(measure)
    return measures


def _line(
    name: str, measure: str, head: Head, goal: Any, ways: dict[str, str], keys: list[str],
    census: bool,
) -> Any:
    """struct cxm_scorecard_line."""
    way = next((ways[k] for k in keys if k in ways), ways.get(""))
    if isinstance(goal, (tuple, list)):
        if len(goal) != 2:
            raise Error(
                f'a target is a number, or a pair such as ("at_most", 0.05), not {goal!r}',
                column="targets",
            )
        way, goal = goal
    shown = measure in head.shown
    return ScorecardLine(
        head.handle.pointer, name.encode(), measure.encode(),
        nan if goal is None else _number(keys[-1], goal), head.level,
        head.interval if shown and _fits(head, measure) else 0, _direction(way), bool(census), 0,
        head.lonely,
    )


def _fits(head: Head, measure: str) -> bool:
    """Whether this measure can have the interval that was asked for."""
    if not head.interval:
        return True
    from ._reader import Reader

    reader = Reader(head.handle, head.level, head.interval)
    return bool(reader.fitting(reader.find(measure)))


def _unknown(key: str, named: list[tuple[str, Any]]) -> Error:
    names: list[str] = []
    for name, given in named:
        result = given if isinstance(given, Result) else given.estimate()
        names += [name, *(f"{name}.{m.name}" for m in result._reader.measures())]
    names = list(dict.fromkeys(names))
    close = closest(str(key), names)
    some = [n for n in names if "." not in n]
    hint = f"did you mean {close!r}?" if close else f"there are {', '.join(some) or 'none'}"
    return Error(
        f"targets: none of the results is called {key!r}; {hint}", column="targets",
        value=str(key),
    )


# ---- words and numbers -------------------------------------------------------------------------


def _ways(direction: Any) -> dict[str, str]:
    """Directions by name; "" is for all."""
    if direction is None:
        return {}
    if isinstance(direction, str):
        return {"": direction}
    return dict(direction)


def _direction(word: str | None) -> int:
    if word is None:
        return 0
    if word not in _DIRECTIONS:
        raise one_of("direction", word, _DIRECTIONS)
    return _DIRECTIONS.index(word) + 1


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Error(
            f"{name} must be a number, not {value!r}", column=name, value=str(value)
        ) from None


def _alpha(alpha: Any) -> float:
    number = _number("alpha", alpha)
    if number == 0:
        raise Error("alpha must be at least 1e-12 and below 0.5, such as 0.05, not 0", column="alpha",
                    value="0")
    return number
