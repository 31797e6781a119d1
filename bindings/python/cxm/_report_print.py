# SPDX-License-Identifier: GPL-3.0-or-later
"""How reports look: the table of results, with the axes before the value or behind the counts."""

from __future__ import annotations

from ._names import unit_name
from ._print import (
    MOST_ROWS, NO_INTERVAL, Line, Page, count, headline, how, key_text, number, percent, title,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._print import Cells
    from ._report import Report

#: Axes that say where a row stands come before its value.
_PLACES = ("preset", "cohort", "time", "period")
#: Axes that are read, not looked at.
_HIDDEN = ("source", "date")
_LONGEST = 96
#: Axes in the unit of the value.
_VALUES = (
    "centre", "sigma", "value_a", "value_b", "target", "simple", "lower_bound", "upper_bound",
    "wilson_lower", "wilson_upper", "adjusted_lower", "adjusted_upper",
)
_CONTROL = 35


class ReportPage(Page):
    """The first rows of a report; axes that are undefined in all of them are left out."""

    __slots__ = ("report", "kinds", "definitions", "size")

    def __init__(self, report: Report) -> None:
        self.report = report
        store, self.size = report._store, len(report)
        rows = report._rows[:MOST_ROWS]
        estimates = [store.estimate(row) for row in rows]
        self.left_out = self.size - len(rows)
        self.key_names = list(store.keys)
        self.lines = [
            Line(self._keys(row, e.group), store.measure(row), e) for row, e in zip(rows, estimates)
        ]
        names = report._names
        from ._library import lib

        named = names(lib.cxm_report_metric, rows)
        metrics = set(named)
        self.definitions = set(names(lib.cxm_report_definition, rows))
        self.metric = named[0] if len(metrics) == 1 else ""
        measures = report.measures
        self.value_heading = measures[0] if len(measures) == 1 else None
        levels = {e.level for e in estimates if e.level == e.level}
        self.level = percent(levels.pop()) if len(levels) == 1 else ""
        self.kinds = {e.interval for e in estimates}
        self.interval_heading = self._interval(estimates)
        self.tight = self.kinds <= {NO_INTERVAL, _CONTROL} and _CONTROL in self.kinds
        self.counts = [
            name for name in ("n", "missing", "invalid", "excluded")
            if any(getattr(e, name) for e in estimates)
        ]
        cells = self._axes(rows, estimates)
        self.before = [c for c in cells if c[0] in _PLACES]
        if len(metrics) > 1 and any(n != line.measure for n, line in zip(named, self.lines)):
            self.before.insert(0, ("metric", "<", [key_text(n) for n in named]))
        self.after = [c for c in cells if c[0] not in _PLACES]

    def _keys(self, row: int, group: int) -> list[str]:
        if group < 0 and self.key_names:
            return ["Total"] + [""] * (len(self.key_names) - 1)
        return [key_text(v) for v in self.report._store.key(row, group)]

    def _interval(self, estimates: list[Any]) -> str | None:
        if all(e.lower != e.lower and e.upper != e.upper for e in estimates):
            return None
        return "control limits" if self.kinds == {_CONTROL} else f"{self.level} interval".strip()

    def _axes(self, rows: Any, estimates: list[Any]) -> list[Cells]:
        store, columns = self.report._store, []
        for name in store.axes:
            values = store.axis(name, rows)
            if name in _HIDDEN or all(v is None or v != v for v in values):
                continue
            units = [unit_name(e.unit) if name in _VALUES else "" for e in estimates]
            side = "<" if any(isinstance(v, (str, bool)) for v in values) else ">"
            columns.append((name, side, [_cell(v, u) for v, u in zip(values, units)]))
        return columns

    def heading(self) -> str:
        what = title(self.metric) if self.metric else "Report"
        if self.value_heading not in (None, self.metric):
            what += f" {self.value_heading}"
        definition = "".join(self.definitions) if len(self.definitions) == 1 else ""
        kind = how(set(self.kinds), self.level) if self.interval_heading else ""
        return headline(what, self.key_names, [definition, self.same_unit() or "", kind])

    def sentence(self) -> str:
        return f"{count(self.size)} row{'' if self.size == 1 else 's'}"


def _cell(value: Any, unit: str) -> str:
    if value is None or value != value:
        return ""
    if value is True or value is False:
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float):
        return number(value, unit) if unit else _real(value)
    if isinstance(value, str) and value.isprintable():
        return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
    return key_text(value)


def _real(value: float) -> str:
    """Four digits, but all of those before the point: two times of a curve do not look the same."""
    if not 1e4 <= abs(value) < 1e15:
        return f"{value:.4g}"
    return count(int(value)) if value.is_integer() else f"{value:,.1f}".replace(",", " ")
