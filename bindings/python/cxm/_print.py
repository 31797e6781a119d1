# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as a table for people: plain text without colour, or HTML for notebooks.

The widest table has 20 rows; a million groups cost no more than 20. Where the terminal cannot
show UTF-8 everything is ASCII.
"""

from __future__ import annotations

import sys

from ._library import lib, text
from ._names import flag_names, unit_name
from ._reader import TOTAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._result import Result

    Cells = tuple[str, str, list[str]]  # heading, alignment, cells

MOST_ROWS = 20
_BAR = 19
NO_INTERVAL = 1
_ENOUGH = 30  # answers, of which none is 0 or above 7, before another scale is suspected
_ACRONYMS = ("nps", "csat", "ces", "csi", "fcr", "sla", "rfm")
_DIGITS = {"share": 3, "points": 1, "scale": 2, "ratio": 3, "seconds": 1, "count": 0}


class Line:
    """One printed row: its keys, measure, and estimate."""

    __slots__ = ("keys", "measure", "row", "total")

    def __init__(self, keys: list[str], measure: str, row: Any, total: bool = False) -> None:
        self.keys = keys
        self.measure = measure
        self.row = row
        self.total = total


class Page:
    """What is printed: headings, lines, how many are left out. Subclasses fill it in."""

    __slots__ = (
        "metric", "lines", "left_out", "key_names", "value_heading", "level", "interval_heading",
        "counts", "before", "after", "tight",
    )

    metric: str
    lines: list[Line]
    left_out: int
    key_names: list[str]
    value_heading: str | None  # None: several measures, named in a column
    level: str  # "95 %"
    interval_heading: str | None  # None: no such column
    counts: list[str]  # columns of counts
    before: list[Cells]  # further columns before the value, and after the counts
    after: list[Cells]
    tight: bool  # the axis of the bars ends where the lines end, not where the scale does

    def heading(self) -> str:
        raise NotImplementedError

    def sentence(self) -> str:
        raise NotImplementedError

    def note(self) -> str:
        """What is to be said below the table, if anything."""
        return ""

    def same_unit(self) -> str | None:
        """The unit, where all lines have the same."""
        units = {line.row.unit for line in self.lines}
        return unit_name(units.pop()) if len(units) == 1 else None


class ResultPage(Page):
    """The groups and measures of a result, and its total."""

    __slots__ = ("result", "shown", "accounts")

    def __init__(self, result: Result) -> None:
        self.result = result
        self.metric = result.metric
        names = result._reader.measures()
        self.shown = result._shown or [i for i, m in enumerate(names) if m.shown]
        grouped = bool(result._key_infos()) and result._group != TOTAL
        self.key_names = result.key_names if grouped else []
        groups = self._groups(grouped)
        rows = result._reader.ask(self.shown, groups) if groups else []
        keys = self._keys(groups) if grouped else [[]] * len(groups)
        each = len(self.shown)
        self.lines = [Line(keys[i // each], names[r.measure].name, r) for i, r in enumerate(rows)]
        del self.lines[MOST_ROWS:]
        totals = self._totals(grouped)
        self.accounts = totals[0]
        self.left_out = self._count(grouped) * each - len(self.lines)
        if grouped and result._group is None:
            blank = ["Total"] + [""] * (len(self.key_names) - 1)
            self.lines += [
                Line(blank, names[r.measure].name, r, True) for r in totals[:MOST_ROWS]
            ]
        self.level = percent(result.level)
        self.interval_heading = f"{self.level} interval"
        self.before, self.after, self.tight = [], [], False
        self.counts = ["n", "missing"] + [
            name for name in ("invalid", "excluded") if getattr(self.accounts, name)
        ]
        self.value_heading = None
        if each == 1:
            first = self.shown[0]
            self.value_heading = title(names[0].name) if first == 0 else names[first].name

    def _count(self, grouped: bool) -> int:
        return self.result._reader.handle.groups() if grouped and self.result._group is None else 1

    def _groups(self, grouped: bool) -> list[int]:
        if self.result._group is not None:
            return [self.result._group]
        return list(range(min(self._count(grouped), MOST_ROWS // len(self.shown) + 1)))

    def _keys(self, groups: list[int]) -> list[list[str]]:
        return [[key_text(v) for v in key] for key in self.result._reader.handle.keys(groups)]

    def _totals(self, grouped: bool) -> Any:
        group = self.result._group
        if group is None:
            group = TOTAL if grouped else 0
        return self.result._reader.ask(self.shown, [group])

    def note(self) -> str:
        """Answers that look like those of a shorter scale, on the usual one of 11 points."""
        if self.accounts.n < _ENOUGH or not self.result.definition.startswith("nps/0-10/"):
            return ""
        names = [m.name for m in self.result._reader.measures()]
        shares = [i for i, name in enumerate(names) if name.startswith("share[")]
        rows = self.result._reader.ask(shares, [self.accounts.group])
        given = [k for k, row in enumerate(rows) if row.value > 0]
        low, high = given[0], given[-1]
        if low < 1 or high > 7:
            return ""
        top, detractor = (5, 3) if high <= 5 else (7, 4)
        return (
            f"note: every answer is {low} to {high}; if the scale ends at {top}, pass "
            f"scale=(1, {top}), promoter={top}, detractor={detractor}"
        )

    # ---- headings

    def same_unit(self) -> str | None:
        return super().same_unit() if self.lines else unit_name(self.accounts.unit)

    def heading(self) -> str:
        what = title(self.metric)
        if len(self.shown) == 1 and self.shown[0] != 0:
            what += " " + self.result._reader.measures()[self.shown[0]].name
        kinds = {line.row.interval for line in self.lines} or {self.accounts.interval}
        notes = [self.result.definition, self.same_unit() or "", how(kinds, self.level)]
        return headline(what, self.key_names, notes)

    def sentence(self) -> str:
        """rows = used + missing + invalid + excluded"""
        a = self.accounts
        rows = a.n + a.missing + a.invalid + a.excluded
        return (
            f"{rows} rows = {a.n} used + {a.missing} missing + {a.invalid} invalid + "
            f"{a.excluded} excluded"
        )


def headline(what: str, key_names: list[str], notes: list[str]) -> str:
    """NPS by region (definition, unit, interval)"""
    by = f" by {', '.join(map(key_text, key_names))}" if key_names else ""
    said = ", ".join(note for note in notes if note)
    return f"{what}{by} ({said})" if said else what + by


def how(kinds: set[int], level: str) -> str:
    """95 % Wilson; only the level where there are several kinds of interval."""
    kind = kinds.pop() if len(kinds) == 1 else 0
    name = text(lib.cxm_interval_title(kind)) if kind else ""
    return name if kind == NO_INTERVAL else f"{level} {name}".strip()


def title(metric: str) -> str:
    """nps -> NPS, one_touch -> One touch."""
    return metric.upper() if metric in _ACRONYMS else metric.replace("_", " ").capitalize()


def percent(level: float) -> str:
    return f"{level * 100:.10g} %"


def key_text(value: Any) -> str:
    """A key on one line."""
    if value is None:
        return "(missing)"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)  # whole ids beside missing ones are floats in NumPy and pandas
    shown = str(value)
    if not shown.isprintable() or shown == "":
        shown = repr(shown)
    return shown if len(shown) <= 40 else shown[:39] + "…"


def number(value: float, unit: str) -> str:
    """A value with the digits that its unit deserves."""
    if value != value:
        return "NaN"
    digits = _DIGITS.get(unit)
    if digits is None or abs(value) >= 1e15:
        return f"{value:.6g}"
    shown = f"{value:.{digits}f}"
    return shown[1:] if float(shown) == 0 and shown[0] == "-" else shown


def count(value: int) -> str:
    """1204 -> 1 204"""
    return f"{value:,}".replace(",", " ")


def limits(row: Any) -> str:
    if row.lower != row.lower or row.upper != row.upper:
        return ""
    unit = unit_name(row.unit)
    return f"[{number(row.lower, unit)}, {number(row.upper, unit)}]"


# ---- columns -----------------------------------------------------------------------------------


def _cells(page: Page) -> list[Cells]:
    """Columns as (heading, alignment, cells)."""
    lines = page.lines
    columns: list[Cells] = [
        (key_text(name), "<", [line.keys[i] for line in lines])
        for i, name in enumerate(page.key_names)
    ]
    if page.value_heading is None:
        columns.append(("measure", "<", [line.measure for line in lines]))
    columns += page.before
    values = [number(line.row.value, unit_name(line.row.unit)) for line in lines]
    columns.append((page.value_heading or "value", ">", values))
    if page.interval_heading is not None:
        columns.append((page.interval_heading, "<", [limits(line.row) for line in lines]))
    for name in page.counts:
        columns.append((name, ">", [count(getattr(line.row, name)) for line in lines]))
    columns += page.after
    flags = [" ".join(flag_names(line.row.flags)) for line in lines]
    columns.append(("flags", "<", flags))
    return columns


def _bars(page: Page) -> tuple[str, list[str]] | None:
    """The axis, and for each line its interval drawn along it."""
    unit = page.same_unit()
    ends = _range(page, unit) if unit else None
    if ends is None:
        return None
    low, high = ends
    sign = "+" if low < 0 else ""
    left, right = f"{low:.4g}", f"{sign}{high:.4g}"
    axis = ["-"] * _BAR
    if low < 0 < high:
        axis[_place(0, low, high)] = "+"
    pad = " " * (len(left) + 1)
    bars = ["" if line.total else pad + _bar(line.row, low, high) for line in page.lines]
    return f"{left} {''.join(axis)} {right}", bars


def _range(page: Page, unit: str | None) -> tuple[float, float] | None:
    """The ends of the axis: of the scale where the unit has one, else of what is shown."""
    shown = [
        x for line in page.lines for x in (line.row.lower, line.row.value, line.row.upper)
        if x == x and abs(x) < 1e300
    ]
    if not shown:
        return None
    if page.tight:
        return _round_ends(min(shown), max(shown))
    if unit == "share":
        return (-1 if min(shown) < 0 else 0), 1
    if unit == "points" and max(map(abs, shown)) <= 100:
        return (-100 if min(shown) < 0 or page.metric == "nps" else 0), 100
    return _round_ends(min(shown), max(shown))


def _round_ends(low: float, high: float) -> tuple[float, float] | None:
    """The next round numbers outside."""
    from math import ceil, floor, log10

    if not low < high:
        return None
    step = 10.0 ** (floor(log10(high - low)) - 1)
    return floor(low / step) * step, ceil(high / step) * step


def _place(x: float, low: float, high: float) -> int:
    share = (min(max(x, low), high) - low) / (high - low)
    return int(share * (_BAR - 1) + 0.5)


def _bar(row: Any, low: float, high: float) -> str:
    if row.value != row.value:
        return ""
    cells = [" "] * _BAR
    if row.lower == row.lower and row.upper == row.upper:
        first, last = _place(row.lower, low, high), _place(row.upper, low, high)
        cells[first : last + 1] = "-" * (last + 1 - first)
        cells[first] = cells[last] = "|"
    cells[_place(row.value, low, high)] = "o"
    return "".join(cells).rstrip()


# ---- text --------------------------------------------------------------------------------------


def _width(shown: str) -> int:
    """Columns of the terminal: Chinese characters take two."""
    if shown.isascii():
        return len(shown)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in shown)


def _aligned(shown: str, width: int, side: str) -> str:
    blank = " " * (width - _width(shown))
    return blank + shown if side == ">" else shown + blank


def _can_utf8() -> bool:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return str(encoding).lower().replace("-", "").replace("_", "") in ("utf8", "cp65001")


def _fit(shown: str) -> str:
    if _can_utf8():
        return shown
    return shown.replace("…", "...").encode("ascii", "backslashreplace").decode("ascii")


def table(page: Page) -> str:
    """The table as text."""
    columns = _cells(page)
    if not any(columns[-1][2]):
        columns.pop()
    bars = _bars(page)
    if bars is not None:
        columns.append((bars[0], "<", bars[1]))
    columns = [(_fit(h), side, [_fit(c) for c in cells]) for h, side, cells in columns]
    widths = [max(map(_width, [h, *cells])) for h, _, cells in columns]
    lines = [_fit(f"{page.heading()}     {page.sentence()}".rstrip())]
    lines.append(_joined([h for h, _, _ in columns], widths, columns))
    for i in range(len(page.lines)):
        if page.left_out > 0 and page.lines[i].total and not page.lines[i - 1].total:
            lines.append(_fit(f"… {count(page.left_out)} more"))
        lines.append(_joined([cells[i] for _, _, cells in columns], widths, columns))
    if page.left_out > 0 and not any(line.total for line in page.lines):
        lines.append(_fit(f"… {count(page.left_out)} more"))
    note = page.note()
    return "\n".join([*lines, note] if note else lines)


def _joined(cells: list[str], widths: list[int], columns: list[Any]) -> str:
    aligned = (_aligned(c, w, side) for c, w, (_, side, _) in zip(cells, widths, columns))
    return "   ".join(aligned).rstrip()


def html(page: Page) -> str:
    """The table as HTML; whatever comes from the data is escaped."""
    from html import escape

    columns = _cells(page)
    head = "".join(f"<th>{escape(h)}</th>" for h, _, _ in columns)
    body = ""
    for i in range(len(page.lines)):
        cells = "".join(
            f'<td style="text-align:{"right" if side == ">" else "left"}">'
            f"{escape(cells[i])}</td>"
            for _, side, cells in columns
        )
        body += f"<tr>{cells}</tr>"
    more = f"<p>… {count(page.left_out)} more</p>" if page.left_out > 0 else ""
    more += f"<p>{escape(page.note())}</p>" if page.note() else ""
    return (
        f"<div><table><caption>{escape(page.heading())}<br>{escape(page.sentence())}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}</div>"
    )
