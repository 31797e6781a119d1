# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptions of metrics for people and programs. Loaded only when asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._library import lib, text

_ROLES = ("rating", "number", "flag", "key", "count", "money")
_KINDS = ("number", "integer", "yes/no", "choice", "pair", "numbers", "texts", "grouping")


@dataclass(frozen=True)
class Input:
    """A column that a metric takes. ``many``: one column per item."""

    name: str
    summary: str
    role: str
    optional: bool
    many: bool


@dataclass(frozen=True)
class Param:
    """A parameter. ``default`` is None where there is none or where it depends on others."""

    name: str
    summary: str
    kind: str
    required: bool
    default: Any
    choices: tuple[str, ...]
    lowest: float
    highest: float


@dataclass(frozen=True)
class Measure:
    """A number that a metric yields; ``share[k]`` stands for a family of them."""

    name: str
    summary: str
    summary_zh: str
    unit: str
    default: bool


@dataclass(frozen=True)
class Metric:
    """A metric of the registry. Its first measure is the headline."""

    name: str
    summary: str
    summary_zh: str
    base: str
    inputs: tuple[Input, ...]
    params: tuple[Param, ...]
    measures: tuple[Measure, ...]
    intervals: tuple[str, ...]


@dataclass(frozen=True)
class Analysis:
    """What can be done with metrics beyond one number a group: ``cxm.NAME``."""

    name: str
    summary: str
    summary_zh: str
    source: str


def analyses() -> list[Analysis]:
    """What the library can do beyond metrics: comparisons, curves, charts … Each has ``name``
    (the function), ``summary, summary_zh`` (the Chinese term) and ``source`` (author, year).

    >>> {a.name: a.summary_zh for a in cxm.analyses()}["sample_size"]
    '样本量'
    """
    found = (lib.cxm_analysis_at(i)[0] for i in range(lib.cxm_analysis_count()))
    return [
        Analysis(text(a.name), text(a.summary), text(a.summary_zh), text(a.source)) for a in found
    ]


def describe(info: Any) -> Metric:
    """Reads one struct cxm_metric_info."""
    return Metric(
        text(info.name),
        text(info.summary),
        text(info.summary_zh),
        text(lib.cxm_base_name(info.base)),
        tuple(_input(info.inputs[i]) for i in range(info.n_inputs)),
        tuple(_param(info.params[i]) for i in range(info.n_params)),
        tuple(_measure(info.measures[i]) for i in range(info.n_measures)),
        tuple(text(lib.cxm_interval_name(info.intervals[i])) for i in range(info.n_intervals)),
    )


def _input(info: Any) -> Input:
    return Input(
        text(info.name), text(info.summary), _ROLES[info.role], bool(info.optional),
        bool(info.many),
    )


def _measure(info: Any) -> Measure:
    return Measure(
        text(info.name), text(info.summary), text(info.summary_zh),
        text(lib.cxm_unit_name(info.unit)), bool(info.is_default),
    )


def _choices(info: Any) -> tuple[str, ...]:
    found: list[str] = []
    while info.choices and info.choices[len(found)]:
        found.append(text(info.choices[len(found)]))
    return tuple(found)


def _param(info: Any) -> Param:
    return Param(
        text(info.name), text(info.summary), _KINDS[info.kind], bool(info.required),
        None if info.required else _default(info), _choices(info), info.lowest, info.highest,
    )


def _default(info: Any) -> Any:
    kind = _KINDS[info.kind]
    if kind == "choice":
        return text(info.default_text)
    if kind == "yes/no":
        return bool(info.defaults[0])
    if kind == "pair":
        return _short(info.defaults[0]), _short(info.defaults[1])
    return _short(info.defaults[0]) if kind in ("number", "integer") else None


def _short(number: float) -> float | int | None:
    if number != number:
        return None
    return int(number) if number.is_integer() else number
