# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of the library, read once: metrics, their inputs, parameters and measures."""

from __future__ import annotations

from ctypes import c_char_p, c_double

from ._errors import Error, closest
from ._library import Param, lib, text
from ._names import interval_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ._info import Metric

# enum cxm_role
RATING, NUMBER_INPUT, FLAG, KEY, COUNT, MONEY = range(6)
# enum cxm_param_kind
NUMBER, INTEGER, YES_NO, CHOICE, PAIR, NUMBERS, TEXTS, GROUPING = range(8)


class Known:
    """One metric as the calls need it."""

    __slots__ = (
        "name", "encoded", "title", "base", "inputs", "params", "info", "cache", "has_many",
    )

    def __init__(self, info: Any) -> None:
        self.info = info
        self.encoded: bytes = info.name
        self.name = text(info.name)
        self.base = info.base
        #: name -> (role, optional, many, encoded name)
        self.inputs: dict[str, tuple[int, bool, bool, bytes]] = {
            text(i.name): (i.role, bool(i.optional), bool(i.many), i.name)
            for i in info.inputs[: info.n_inputs]
        }
        self.params: dict[str, Any] = {
            text(p.name): p for p in (info.params[i] for i in range(info.n_params))
        }
        self.cache: dict[Any, Any] = {}
        #: Is there an input of several columns?
        self.has_many = any(many for _, _, many, _ in self.inputs.values())

    def intervals(self) -> list[str]:
        """The names of its intervals, the default first."""
        return [interval_name(self.info.intervals[i]) for i in range(self.info.n_intervals)]


_metrics: dict[str, Known] = {}


def known(name: str) -> Known:
    """The metric with that name."""
    found = _metrics.get(name)
    if found is None:
        pointer = lib.cxm_metric_find(str(name).encode())
        if not pointer:
            close = closest(str(name), names())
            hint = f"did you mean {close!r}? There are" if close else "there are"
            raise Error(
                f"there is no metric {name!r}; {hint} {', '.join(names())}",
                column="metric", value=str(name),
            )
        found = _metrics[name] = Known(pointer[0])
    return found


def names() -> list[str]:
    """The names of all metrics."""
    return [text(lib.cxm_metric_at(i)[0].name) for i in range(lib.cxm_metric_count())]


def metrics() -> list[Metric]:
    """What the library can measure: a list of descriptions.

    Each has ``name, summary, summary_zh`` (the Chinese term), ``base`` (what n counts),
    ``inputs, params, measures`` (each again with name and summary) and ``intervals`` (names, the
    default first).

    >>> {m.name: m.summary_zh for m in cxm.metrics()}["nps"]
    '净推荐值'
    """
    from ._info import describe

    return [describe(lib.cxm_metric_at(i)[0]) for i in range(lib.cxm_metric_count())]


# ---- parameters --------------------------------------------------------------------------------


def encode(metric: Known, params: dict[str, Any]) -> tuple[Any, int]:
    """The parameters of a call as an array of struct cxm_param. They are kept for next time."""
    if not params:
        return None, 0
    try:
        key = tuple(params.items())
        found = metric.cache.get(key)
    except TypeError:  # lists
        return _encode(metric, params)
    if found is None:
        if len(metric.cache) > 200:
            metric.cache.clear()
        found = metric.cache[key] = _encode(metric, params)
    pair: tuple[Any, int] = found
    return pair


def _encode(metric: Known, params: dict[str, Any]) -> tuple[Any, int]:
    array = (Param * len(params))()
    for slot, (name, value) in zip(array, params.items()):
        info = metric.params.get(name)
        if info is None:
            raise Error(
                f"{metric.name} has no parameter {name!r}; it has "
                f"{', '.join(metric.params) or 'none'}",
                column=name,
            )
        slot.name = info.name
        numbers, texts = _split(name, info.kind, value)
        _put(slot, numbers, texts)
    return array, len(params)


def _put(slot: Any, numbers: Sequence[float], texts: Sequence[str]) -> None:
    if numbers:
        slot.numbers = (c_double * len(numbers))(*numbers)
        slot.n_numbers = len(numbers)
    if texts:
        slot.texts = (c_char_p * len(texts))(*(t.encode() for t in texts))
        slot.n_texts = len(texts)


def _split(name: str, kind: int, value: Any) -> tuple[Sequence[float], Sequence[str]]:
    """The numbers and the texts of one value."""
    if kind == PAIR:
        return pair(name, value), ()
    if kind == CHOICE:
        if not isinstance(value, str):
            raise Error(f"{name} must be a word, not {value!r}", column=name, value=str(value))
        return (), (value,)
    if kind == TEXTS:
        return (), _texts(name, value)
    if kind == NUMBERS:
        return [_number(name, v) for v in value], ()
    if kind == GROUPING:
        names, places = value
        return places, names
    return (_number(name, value),), ()


def _texts(name: str, value: Any) -> list[str]:
    if isinstance(value, str) or not all(isinstance(v, str) for v in value):
        raise Error(f"{name} must be a list of names, not {value!r}", column=name)
    return list(value)


def _number(name: str, value: Any) -> float:
    if not isinstance(value, str):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            pass
    raise Error(f"{name} must be a number, not {value!r}", column=name, value=str(value))


def pair(name: str, value: Any) -> list[float]:
    """Two numbers, low and high."""
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return [_number(name, value[0]), _number(name, value[1])]
    raise Error(
        f"{name} must be a pair, low and high, such as (0, 10), not {value!r}",
        column=name, value=str(value),
    )


