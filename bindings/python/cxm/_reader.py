# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking the library for the numbers of a tally."""

from __future__ import annotations

from ctypes import byref, c_double, c_int64, c_size_t, c_uint32, sizeof

from ._errors import Error, closest
from ._handle import Handle
from ._library import (
    Base, Design as DesignStruct, ErrorStruct, Estimate, EstimateOptions, check, lib, text,
)
from ._names import interval_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TOTAL = -1
_ROW = sizeof(Estimate)
_OPTIONS = sizeof(EstimateOptions)
_MANY_GROUPS = 100_000
#: Options that ask for one number, by what they say. The library only reads them.
_ONE: dict[tuple[float, int, int, int], Any] = {}
_MOST_KEPT = 200


def _margins(totals: Any) -> Any:
    from ._calibrate import margins_from

    return margins_from(totals)


class Measured:
    """A measure of a tally: its name, unit, family and whether it is shown by default."""

    __slots__ = ("name", "unit", "shown", "family")

    def __init__(self, measure: Any) -> None:
        self.name = text(measure.name)
        self.unit = measure.unit
        self.shown = bool(measure.is_default)
        self.family = measure.family


class Reader:
    """A tally that does not change any more, with the level and interval that were asked for."""

    __slots__ = ("handle", "level", "interval", "lonely", "totals", "margins", "method", "threads",
                 "_measures")

    def __init__(
        self, handle: Handle, level: float, interval: int, lonely: int = 0, totals: Any = None,
        method: Any = None, threads: int | None = None,
    ) -> None:
        self.threads = threads
        self.lonely = lonely
        self.totals = totals
        self.margins = None if totals is None else _margins(totals)
        self.method = method
        self.handle = handle
        self.level = level
        self.interval = interval
        self._measures: list[Measured] | None = None

    def options(
        self, measures: list[int] | None, groups: list[int] | None, interval: int
    ) -> Any:
        """struct cxm_estimate_options; None means all groups, the default measures."""
        options = EstimateOptions()
        options.size = _OPTIONS
        options.level = self.level
        options.interval = interval
        options.lonely = self.lonely
        if self.margins is not None:
            options.margins = self.margins
            options.n_margins = len(self.margins)
            options.calibration, options.tolerance, options.max_iterations = self.method
        if measures is not None:
            options.measures = (c_uint32 * len(measures))(*measures)
            options.n_measures = len(measures)
        if groups is not None:
            options.groups = (c_int64 * len(groups))(*groups)
            options.n_groups = len(groups)
        else:
            options.threads = self._threads()
        return options

    def _threads(self) -> int:
        """As many as the rows were added with; very many groups are worth the CPUs there are."""
        if self.threads is not None:
            return self.threads
        if self.handle.groups() < _MANY_GROUPS:
            return 1
        from ._add import cpu_count

        return cpu_count()

    def fitting(self, measures: list[int] | None) -> int:
        """The interval that was asked for where any of the measures can have it; the others
        keep their own."""
        if not self.interval:
            return 0
        options = self.options(measures, None, self.interval)
        count, error = c_size_t(), ErrorStruct()
        with self.handle.lock:
            status = lib.cxm_tally_estimate(
                self.handle.pointer, byref(options), None, _ROW, 0, byref(count), byref(error)
            )
        if not status:
            return self.interval
        if text(error.column) != "interval":
            check(status, error)
        return 0

    def one(self, measure: int, group: int) -> Any:
        """struct cxm_estimate of one measure of one group. What asks for it is kept: arrays of one number
        take ctypes longer than the number takes the library."""
        if self.margins is not None or self.interval:
            return self.ask([measure], [group])[0]
        wanted = (self.level, self.lonely, measure, group)
        options = _ONE.get(wanted)
        if options is None:
            if len(_ONE) >= _MOST_KEPT:
                _ONE.clear()
            options = _ONE[wanted] = self.options([measure], [group], 0)
        estimate, count, error = Estimate(), c_size_t(), ErrorStruct()
        with self.handle.lock:
            status = lib.cxm_tally_estimate(
                self.handle.pointer, byref(options), byref(estimate), _ROW, 1, byref(count), byref(error)
            )
        if status:
            check(status, error)
        return estimate

    def ask(self, measures: list[int] | None, groups: list[int] | None) -> Any:
        """Estimates, group by group, as an array of struct cxm_estimate."""
        options = self.options(measures, groups, self.fitting(measures))
        count, error, pointer = c_size_t(), ErrorStruct(), self.handle.pointer
        with self.handle.lock:
            if measures is not None and groups is not None:
                size = len(measures) * len(groups)
            else:
                status = lib.cxm_tally_estimate(
                    pointer, byref(options), None, _ROW, 0, byref(count), byref(error)
                )
                check(status, error)
                size = count.value
            rows = (Estimate * size)()
            if size:
                status = lib.cxm_tally_estimate(
                    pointer, byref(options), rows, _ROW, size, byref(count), byref(error)
                )
                check(status, error)
        return rows

    def design(self, group: int, measure: int) -> Any:
        """struct cxm_design of one estimate."""
        design, error = DesignStruct(), ErrorStruct()
        with self.handle.lock:
            status = lib.cxm_tally_design(
                self.handle.pointer, group, measure, self.lonely, byref(design), byref(error)
            )
            check(status, error)
        return design

    def jackknife(self, group: int, measure: int) -> float:
        """The jackknife standard error of one estimate."""
        if self.margins is not None:
            raise Error("calibrated weights have no jackknife here: it is of base weights")
        value, error = c_double(), ErrorStruct()
        with self.handle.lock:
            status = lib.cxm_tally_jackknife(
                self.handle.pointer, group, measure, self.lonely, byref(value), byref(error)
            )
            check(status, error)
        return value.value

    def base(self, group: int, measure: int) -> Any:
        """struct cxm_base: the excluded rows by reason."""
        base, error = Base(), ErrorStruct()
        with self.handle.lock:
            status = lib.cxm_tally_base(
                self.handle.pointer, group, measure, byref(base), byref(error)
            )
            check(status, error)
        return base

    def to_arrow(
        self, stream: int, measures: list[int] | None, groups: list[int] | None
    ) -> None:
        """Writes the rows into a new Arrow stream."""
        options, error = self.options(measures, groups, self.fitting(measures)), ErrorStruct()
        with self.handle.lock:
            status = lib.cxm_tally_to_arrow(
                self.handle.pointer, byref(options), stream, byref(error)
            )
            check(status, error)

    # ---- measures

    def measures(self) -> list[Measured]:
        """All measures, the headline first."""
        if self._measures is None:
            self._measures = [Measured(m) for m in self.handle.measures()]
        return self._measures

    def find(self, name: Any) -> list[int]:
        """Indexes of a measure, or of a whole family such as ``share[k]``."""
        measures = self.measures()
        found = [i for i, m in enumerate(measures) if m.name == name]
        if not found:
            info = self.handle.metric.info
            families = [text(info.measures[i].name) for i in range(info.n_measures)]
            found = [i for i, m in enumerate(measures) if families[m.family] == name]
        if not found:
            raise self._unknown(name)
        return found

    def find_all(self, names: Any) -> list[int]:
        """Understands ``measures=``."""
        if names == "all":
            return list(range(len(self.measures())))
        listed = hasattr(names, "__iter__") and not isinstance(names, str)
        wanted = list(names) if listed else [names]
        if not wanted or not isinstance(wanted[0], str):
            raise Error('measures is "all" or a list of names', column="measures")
        return [i for name in wanted for i in self.find(name)]

    def _unknown(self, name: Any) -> Error:
        names = [m.name for m in self.measures()]
        close = closest(str(name), names)
        if close:
            hint = f"did you mean {close!r}?"
        else:
            hint = "there are " + ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
        return Error(
            f"{self.handle.metric.name} has no measure {name!r}; {hint}", column="measures",
            value=str(name),
        )

    def wrong_interval(self, measures: list[str]) -> Error:
        """An interval that fits none of the measures is an error now, not when it is read."""
        names = self.handle.metric.intervals()
        interval = interval_name(self.interval)
        return Error(
            f"the interval {interval!r} does not fit {', '.join(measures)}; "
            f"{self.handle.metric.name} takes {', '.join(names)}",
            column="interval", value=interval,
        )
