# SPDX-License-Identifier: GPL-3.0-or-later
"""Results: numbers that are read from a kept tally when somebody asks for them."""

from __future__ import annotations

from ctypes import byref, c_int64, c_size_t, c_uint32, sizeof

from ._errors import Error
from ._handle import Handle, key_column, load_handle
from ._library import (
    Base, ErrorStruct, Estimate, EstimateOptions, Measure, check, lib, text,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Union

    from ._row import Row
    from ._tally import Tally

    Names = Union[str, Iterable[str], None]

TOTAL = -1

#: The columns of every result after the key columns, in order. Only ever appended to.
SCHEMA = (
    "metric", "measure", "value", "std_error", "lower", "upper", "level", "interval", "n",
    "missing", "invalid", "excluded", "sum_weight", "n_eff", "unit", "base", "definition", "flags",
)
_NUMBERS = (
    "value", "std_error", "lower", "upper", "level", "n", "missing", "invalid", "excluded",
    "sum_weight", "n_eff",
)
_ESTIMATE_BYTES = sizeof(Estimate)
_OPTION_BYTES = sizeof(EstimateOptions)


class Measured:
    """A measure of a tally: its name, unit, family and whether it is shown by default."""

    __slots__ = ("name", "unit", "shown", "family")

    def __init__(self, measure: Any) -> None:
        self.name = text(measure.name)
        self.unit = measure.unit
        self.shown = bool(measure.is_default)
        self.family = measure.family


class Result:
    """The numbers of one call: for every group, every measure.

    Without groups the attributes are those of the headline measure::

        r.value  r.std_error  r.lower  r.upper  r.ci      undefined numbers are NaN
        r.n  r.missing  r.invalid  r.excluded             rows given = the sum of these four
        r.excluded_by                                     why, by reason
        r.sum_weight  r.n_eff                             n without weights
        r.unit  r.base                                    what value and n are counted in
        r.level  r.interval  r.definition  r.flags

    ``r["promoters"]`` is the same for any other measure, computed when read. With groups,
    ``g["promoters"]`` keeps all groups, ``g.group(key)`` all measures, and ``g.total`` is all
    groups merged. Iterating gives rows; ``to_dict``, ``to_pandas``, ``to_polars``, ``to_arrow``
    and the Arrow protocol give tables.
    """

    __slots__ = ("_handle", "_level", "_interval", "_shown", "_headline", "_group", "_cache")

    _handle: Handle
    _level: float
    _interval: int
    _shown: list[int] | None
    _headline: int
    _group: int | None
    _cache: dict[str, Any]

    def __init__(
        self, handle: Handle, level: float = 0.95, interval: str | None = None,
        measures: Names = None,
    ) -> None:
        self._handle = handle
        self._level = level if level == 0.95 else checked_level(level)
        self._interval = 0 if interval is None else _interval_number(interval)
        self._shown = None
        self._headline = 0
        self._group = None
        self._cache = {}
        if measures is not None:
            self._shown = self._find_measures(measures)
        if self._interval and not self._fits(self._shown):
            raise self._wrong_interval(str(interval))

    def _view(self, **changes: Any) -> Result:
        """The same tally seen otherwise."""
        view = Result.__new__(Result)
        for name in ("_handle", "_level", "_interval", "_shown", "_headline", "_group"):
            setattr(view, name, changes.get(name, getattr(self, name)))
        view._cache = {}
        return view

    # ---- asking the library

    def _options(self, measures: list[int] | None, groups: list[int] | None) -> Any:
        options = EstimateOptions()
        options.size = _OPTION_BYTES
        options.level = self._level
        if self._interval and self._fits(measures):
            options.interval = self._interval
        if measures is not None:
            options.measures = (c_uint32 * len(measures))(*measures)
            options.n_measures = len(measures)
        if groups is not None:
            options.groups = (c_int64 * len(groups))(*groups)
            options.n_groups = len(groups)
        return options

    def _fits(self, measures: list[int] | None) -> bool:
        """Can any of these measures have the interval that was asked for? The others keep their
        own; that it fits what was asked for first was checked then."""
        options, count, error = EstimateOptions(), c_size_t(), ErrorStruct()
        options.size = _OPTION_BYTES
        options.interval = self._interval
        if measures is not None:
            options.measures = (c_uint32 * len(measures))(*measures)
            options.n_measures = len(measures)
        with self._handle.lock:
            status = lib.cxm_tally_estimate(
                self._handle.pointer, byref(options), None, _ESTIMATE_BYTES, 0, byref(count),
                byref(error),
            )
        if status and text(error.column) != "interval":
            check(status, error)
        return not status

    def _ask(self, measures: list[int] | None, groups: list[int] | None) -> Any:
        """Estimates, group by group, as an array of struct cxm_estimate."""
        options, error, count = self._options(measures, groups), ErrorStruct(), c_size_t()
        handle = self._handle
        known = measures is not None and groups is not None
        size = len(measures or ()) * len(groups or ())
        with handle.lock:
            if not known:
                status = lib.cxm_tally_estimate(
                    handle.pointer, byref(options), None, _ESTIMATE_BYTES, 0, byref(count),
                    byref(error),
                )
                check(status, error)
                size = count.value
            rows = (Estimate * size)()
            if size:
                status = lib.cxm_tally_estimate(
                    handle.pointer, byref(options), rows, _ESTIMATE_BYTES, size, byref(count),
                    byref(error),
                )
                check(status, error)
        return rows

    def _rows(self) -> Any:
        """The estimates of everything shown."""
        rows = self._cache.get("rows")
        if rows is None:
            rows = self._cache["rows"] = self._ask(self._shown, self._groups_shown())
        return rows

    def _head(self) -> Any:
        """The estimate behind the attributes: one group, the headline."""
        head = self._cache.get("head")
        if head is None:
            head = self._cache["head"] = self._ask([self._headline], [self._one_group()])[0]
        return head

    def _some(self) -> Any:
        """Any estimate of the headline, for what is the same in all groups."""
        if self._group is not None or not self._key_infos():
            return self._head()
        some = self._cache.get("some")
        if some is None:
            group = 0 if self._handle.groups() else TOTAL
            some = self._cache["some"] = self._ask([self._headline], [group])[0]
        return some

    # ---- groups

    def _key_infos(self) -> list[tuple[str, int]]:
        infos: list[tuple[str, int]] | None = self._cache.get("infos")
        if infos is None:
            infos = self._cache["infos"] = self._handle.key_infos()
        return infos

    def _groups_shown(self) -> list[int] | None:
        return None if self._group is None else [self._group]

    def _one_group(self) -> int:
        if self._group is not None:
            return self._group
        if not self._key_infos():
            return 0
        count = self._handle.groups()
        name = self._measures()[self._headline].name
        example = f"g.group({self.groups[0]!r})" if count else "g.group(key)"
        raise Error(
            f"this result has {count} group{'' if count == 1 else 's'}; use g[{name!r}], "
            f"{example} or g.total"
        )

    def _keys(self) -> list[tuple[Any, ...]]:
        """The keys of the groups shown, as tuples."""
        keys: list[tuple[Any, ...]] | None = self._cache.get("keys")
        if keys is None:
            if self._group == TOTAL or not self._key_infos():
                keys = []
            elif self._group is not None:
                keys = self._handle.keys([self._group])
            else:
                keys = self._handle.keys(range(self._handle.groups()))
            self._cache["keys"] = keys
        return keys

    @property
    def key_names(self) -> list[str]:
        """Names of the key columns."""
        return [key_column(i, name) for i, (name, _) in enumerate(self._key_infos())]

    @property
    def groups(self) -> list[Any]:
        """The keys of the groups in sorted order; None, the rows without a key, comes last. With
        several keys each is a tuple. Without groups: []."""
        return [k[0] if len(k) == 1 else k for k in self._keys()]

    def group(self, key: Any) -> Result:
        """All measures of one group."""
        index: dict[Any, int] | None = self._cache.get("index")
        if index is None:
            index = self._cache["index"] = {k: i for i, k in enumerate(self.groups)}
        at = index.get(key) if _hashable(key) else None
        if at is None:
            groups = self.groups
            known = ", ".join(map(repr, groups[:10])) + (", …" if len(groups) > 10 else "")
            raise Error(
                f"there is no group {key!r}; there are {known or 'no groups'}", value=str(key)
            )
        return self._view(_group=at if self._group is None else self._group)

    @property
    def total(self) -> Result:
        """All groups merged, as if there had been no ``by=``."""
        return self._view(_group=TOTAL if self._key_infos() else None)

    # ---- measures

    def _measures(self) -> list[Measured]:
        found: list[Measured] | None = self._cache.get("measures")
        if found is None:
            found = self._cache["measures"] = _measures(self._handle)
        return found

    def _find_measures(self, names: Names) -> list[int]:
        measures = self._measures()
        if names == "all":
            return list(range(len(measures)))
        wanted = [names] if isinstance(names, str) else list(names or ())
        if not wanted:
            raise Error('measures is "all" or a list of names', column="measures")
        return [i for name in wanted for i in self._find(name)]

    def _find(self, name: Any) -> list[int]:
        """Indexes of a measure, or of a whole family such as ``share[k]``."""
        measures = self._measures()
        found = [i for i, m in enumerate(measures) if m.name == name]
        if not found:
            info = self._handle.metric.info
            families = [text(info.measures[i].name) for i in range(info.n_measures)]
            found = [i for i, m in enumerate(measures) if families[m.family] == name]
        if not found:
            import difflib

            known = [m.name for m in measures]
            close = difflib.get_close_matches(str(name), known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {_listed(known)}"
            raise Error(
                f"{self._handle.metric.name} has no measure {name!r}; {hint}", column="measures",
                value=str(name),
            )
        return found

    def __getitem__(self, name: str) -> Result:
        """The result of one measure (or family of measures); all groups are kept."""
        shown = self._find(name)
        return self._view(_shown=shown, _headline=shown[0])

    @property
    def measures(self) -> list[str]:
        """Names of the measures that are shown; every other one can be read as ``r[name]``."""
        measures = self._measures()
        if self._shown is not None:
            return [measures[i].name for i in self._shown]
        return [m.name for m in measures if m.shown]

    @property
    def measure(self) -> str:
        """Name of the measure behind the attributes."""
        return self._measures()[self._headline].name

    @property
    def distribution(self) -> dict[Any, float]:
        """Share of every answer: ``{0: 0.025, …, 10: 0.25}``."""
        group = self._one_group()
        family = [(i, m.name) for i, m in enumerate(self._measures()) if m.name[:6] == "share["]
        if not family:
            raise Error(f"{self._handle.metric.name} has no distribution of answers")
        rows = self._ask([i for i, _ in family], [group])
        return {_answer(name[6:-1]): row.value for (_, name), row in zip(family, rows)}

    # ---- attributes of the headline

    @property
    def metric(self) -> str:
        """Name of the metric."""
        return self._handle.metric.name

    @property
    def value(self) -> float:
        """The number; NaN where it is undefined, and a flag says why."""
        return float(self._head().value)

    @property
    def std_error(self) -> float:
        """Standard error, in the unit of the value."""
        return float(self._head().std_error)

    @property
    def lower(self) -> float:
        """Lower limit of the interval."""
        return float(self._head().lower)

    @property
    def upper(self) -> float:
        """Upper limit of the interval."""
        return float(self._head().upper)

    @property
    def ci(self) -> tuple[float, float]:
        """The interval: lower and upper limit."""
        head = self._head()
        return head.lower, head.upper

    @property
    def n(self) -> int:
        """Rows used."""
        return int(self._head().n)

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return int(self._head().missing)

    @property
    def invalid(self) -> int:
        """Rows with an impossible value; 0 unless ``invalid="count"``."""
        return int(self._head().invalid)

    @property
    def excluded(self) -> int:
        """Rows that could be read but are not part of the base."""
        return int(self._head().excluded)

    @property
    def excluded_by(self) -> dict[str, int]:
        """The excluded rows by reason; reasons that did not occur read as 0."""
        from collections import Counter

        base, error, handle = Base(), ErrorStruct(), self._handle
        group = self._one_group()
        with handle.lock:
            status = lib.cxm_tally_base(
                handle.pointer, group, self._headline, byref(base), byref(error)
            )
            check(status, error)
        counts = Counter[str]()
        for reason, count in enumerate(base.excluded_by):
            if count:
                counts[text(lib.cxm_reason_name(reason))] = count
        return counts

    @property
    def sum_weight(self) -> float:
        """Sum of the weights; n without weights."""
        return float(self._head().sum_weight)

    @property
    def n_eff(self) -> float:
        """Effective number of rows (Kish); n without weights."""
        return float(self._head().n_eff)

    @property
    def df(self) -> float:
        """Degrees of freedom of the interval; infinite for normal limits."""
        return float(self._head().df)

    @property
    def flags(self) -> tuple[str, ...]:
        """Why a number is undefined or to be read with care."""
        return flag_names(self._head().flags)

    @property
    def unit(self) -> str:
        """What the value is measured in: "share" (in [0, 1]), "points", "scale" …"""
        return unit_name(self._measures()[self._headline].unit)

    @property
    def base(self) -> str:
        """What n counts: "responses", "tickets", "customers" …"""
        return text(lib.cxm_base_name(self._handle.metric.base))

    @property
    def level(self) -> float:
        """Confidence level of the interval."""
        return self._level

    @property
    def interval(self) -> str:
        """How the interval was computed, such as "adjusted-wald"."""
        return interval_name(self._some().interval)

    @property
    def definition(self) -> str:
        """The definition id: every choice that changes the number."""
        found: str | None = self._cache.get("definition")
        if found is None:
            found = self._cache["definition"] = self._handle.definition()
        return found

    @property
    def tally(self) -> Tally:
        """The tally behind the numbers, to be saved or merged. Adding to it leaves this result
        as it is."""
        from ._tally import Tally

        handle = self._handle
        if self._group is not None:
            handle = handle.group(self._group, False)
        return Tally._of(handle, True)

    # ---- rows

    def __len__(self) -> int:
        """Number of rows: groups times measures."""
        return len(self._rows())

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Row]:
        from ._row import make_rows

        return iter(make_rows(self))

    def _columns(self) -> dict[str, list[Any]]:
        """The columns of the schema, without the keys."""
        rows = self._rows()
        measures = self._measures()
        columns: dict[str, list[Any]] = {name: [] for name in SCHEMA}
        for name in _NUMBERS:
            columns[name] = [getattr(row, name) for row in rows]
        count = len(rows)
        columns["metric"] = [self.metric] * count
        columns["measure"] = [measures[row.measure].name for row in rows]
        columns["interval"] = [interval_name(row.interval) for row in rows]
        columns["unit"] = [unit_name(row.unit) for row in rows]
        columns["base"] = [text(lib.cxm_base_name(row.base)) for row in rows]
        columns["definition"] = [self.definition] * count
        columns["flags"] = [flag_names(row.flags) for row in rows]
        return columns

    def _row_keys(self) -> list[tuple[Any, ...]]:
        """The key of every row, as a tuple."""
        keys = self._keys()
        if not keys:
            return [()] * len(self)
        each = len(self) // len(keys)
        return [key for key in keys for _ in range(each)]

    def _key_columns(self) -> dict[str, list[Any]]:
        keys = self._row_keys()
        names = [f"{n}_key" if n in SCHEMA else n for n in self.key_names]
        if self._group == TOTAL:
            return {name: [None] * len(keys) for name in names}
        return {name: [key[i] for key in keys] for i, name in enumerate(names)}

    def to_dict(self) -> dict[str, list[Any]]:
        """The rows as lists by column: the key columns under their names, ``group`` (the key, a
        tuple for several keys, None without groups), then the schema. Undefined numbers are NaN;
        flags are tuples of names. A key called like a column of the schema becomes ``…_key``."""
        keys = self._row_keys()
        groups = [(k[0] if len(k) == 1 else k) if k else None for k in keys]
        return {**self._key_columns(), "group": groups, **self._columns()}

    def to_pandas(self) -> Any:
        """The rows as a pandas DataFrame; flags are text joined by "|"."""
        from importlib import import_module

        from ._tables import pandas_column

        pandas: Any = import_module("pandas")

        table = {name: pandas_column(pandas, v) for name, v in self._key_columns().items()}
        columns: dict[str, Any] = self._columns()
        columns["flags"] = ["|".join(flags) for flags in columns["flags"]]
        return pandas.DataFrame({**table, **columns})

    def to_polars(self) -> Any:
        """The rows as a Polars DataFrame; undefined numbers are null."""
        from importlib import import_module

        return import_module("polars").DataFrame(self)

    def to_arrow(self) -> Any:
        """The rows as a PyArrow Table; undefined numbers are null."""
        from importlib import import_module

        return import_module("pyarrow").table(self)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows as an Arrow stream, for every library that reads one."""
        from ._arrow import export_stream

        handle = self._handle
        options, error = self._options(self._shown, self._groups_shown()), ErrorStruct()

        def fill(stream: int) -> None:
            with handle.lock:
                status = lib.cxm_tally_to_arrow(
                    handle.pointer, byref(options), stream, byref(error)
                )
                check(status, error)

        return export_stream(fill)

    def matrix(self, value: str = "value", *, index: str, columns: str) -> dict[Any, Any]:
        """The rows reshaped: ``{index: {column: value}}``, NaN where there is no row.

        >>> r.matrix("value", index="cohort", columns="period")      # doctest: +SKIP
        """
        from ._tables import matrix

        return matrix(self.to_dict(), value, index, columns)

    # ---- printing and pickling

    def __repr__(self) -> str:
        from ._print import table

        return table(self)

    def _repr_html_(self) -> str:
        from ._print import html

        return html(self)

    def __reduce__(self) -> tuple[Any, ...]:
        state = (self._level, self._interval, self._shown, self._headline, self._group)
        return _load, (self._handle.save(), state)

    def _wrong_interval(self, interval: str) -> Error:
        """An interval that fits none of the measures is an error now, not when it is read."""
        info = self._handle.metric.info
        names = [interval_name(info.intervals[i]) for i in range(info.n_intervals)]
        return Error(
            f"the interval {interval!r} does not fit {', '.join(self.measures)}; "
            f"{self.metric} takes {', '.join(names)}",
            column="interval", value=interval,
        )


def _load(data: bytes, state: tuple[Any, ...]) -> Result:
    result = Result(load_handle(data))
    result._level, result._interval, result._shown, result._headline, result._group = state
    return result


def _measures(handle: Handle) -> list[Measured]:
    count, error, size = c_size_t(), ErrorStruct(), sizeof(Measure)
    with handle.lock:
        status = lib.cxm_tally_measures(
            handle.pointer, None, size, 0, byref(count), byref(error)
        )
        check(status, error)
        array = (Measure * count.value)()
        status = lib.cxm_tally_measures(
            handle.pointer, array, size, count.value, byref(count), byref(error)
        )
        check(status, error)
    return [Measured(m) for m in array]


def _listed(names: list[str]) -> str:
    return ", ".join(names[:12]) + (", …" if len(names) > 12 else "")


def _hashable(key: Any) -> bool:
    try:
        hash(key)
    except TypeError:
        return False
    return True


def _answer(label: str) -> Any:
    """The k of share[k]: a whole number where it is one."""
    for kind in (int, float):
        try:
            return kind(label)
        except ValueError:
            continue
    return label


def checked_level(level: Any) -> float:
    try:
        number = float(level)
    except (TypeError, ValueError):
        number = -1.0
    if 0 < number < 1:
        return number
    hint = 0.95
    if 1 < number < 100:
        hint = number / 100
    raise Error(
        f"level must be between 0 and 1; did you mean {hint:g}?", column="level", value=str(level)
    )


def _interval_number(name: Any) -> int:
    number = lib.cxm_interval_from_name(str(name).replace("_", "-").lower().encode())
    if number < 0:
        names = [interval_name(i) for i in range(1, 22)]
        raise Error(
            f"there is no interval {name!r}; there are {', '.join(names)}", column="interval",
            value=str(name),
        )
    return int(number)


# ---- names, looked up once -----------------------------------------------------------------------

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
    name = _intervals.get(interval)
    if name is None:
        name = _intervals[interval] = text(lib.cxm_interval_name(interval))
    return name


def unit_name(unit: int) -> str:
    name = _units.get(unit)
    if name is None:
        name = _units[unit] = text(lib.cxm_unit_name(unit))
    return name
