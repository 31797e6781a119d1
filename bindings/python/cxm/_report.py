# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports: what analyses return. Rows of the one schema, with axis columns behind it."""

from __future__ import annotations

from ctypes import addressof, byref, c_double, c_int64, c_size_t, c_uint8, c_void_p
from struct import calcsize, iter_unpack, unpack_from

from ._errors import Error, closest
from ._handle import byte_pointer, key_columns, key_value, time_value
from ._library import AxisInfo, ErrorStruct, Estimate, Key, KeyInfo, check, lib, text
from ._names import flag_names, interval_name, unit_name
from ._shared import FIELDS, FORMAT, SCHEMA, Numbers, Rows, hashable, named, no_group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ._print import Page

_SIZE = calcsize(FORMAT)
_UNDEFINED = -(2**63)
_REAL, _INT, _TEXT, _BOOL, _DATE, _TIME = range(6)
_TOTAL = -1
_GROUP = FIELDS.index("group")
#: Other names for an axis.
_ALIASES = {"p": "p_value"}


def read_report(call: Callable[..., int]) -> Report:
    """The report of an analysis: ``call(out, error)`` calls the library and returns its status.

    >>> read_report(lambda out, error: lib.cxm_chart(…, out, error))    # doctest: +SKIP
    """
    out, error = c_void_p(), ErrorStruct()
    check(call(byref(out), byref(error)), error)
    return Report(Store(out.value))


class Store:
    """A report of the library. It never changes, so that threads may share it."""

    __slots__ = ("pointer", "size", "keys", "axes", "memory", "known_keys", "known_measures")

    def __init__(self, pointer: int | None) -> None:
        self.pointer = pointer
        self.size = int(lib.cxm_report_rows(pointer))
        self.keys = self._read_keys()
        self.axes = self._read_axes()
        self.known_keys: dict[int, tuple[Any, ...]] = {
            _TOTAL: (None,) * len(self.keys)
        }
        self.known_measures: dict[int, str] = {}
        rows = lib.cxm_report_estimates(pointer)
        self.memory = (
            (Estimate * self.size).from_address(addressof(rows.contents)) if self.size else None
        )

    def __del__(self, free: Any = lib.cxm_report_free) -> None:
        free(self.pointer)

    def _read_keys(self) -> list[str]:
        """Names of the key columns."""
        info, found = KeyInfo(), []
        for i in range(lib.cxm_report_n_keys(self.pointer)):
            check(lib.cxm_report_key_info(self.pointer, i, byref(info)), ErrorStruct())
            found.append(text(info.name))
        return key_columns(found)

    def _read_axes(self) -> dict[str, tuple[int, int]]:
        """Name -> number and type of an axis."""
        info, found = AxisInfo(), {}
        for i in range(lib.cxm_report_n_axes(self.pointer)):
            check(lib.cxm_report_axis_info(self.pointer, i, byref(info)), ErrorStruct())
            found[text(info.name)] = (i, int(info.type))
        return found

    def save(self) -> bytes:
        """All rows as bytes."""
        size, error = c_size_t(), ErrorStruct()
        check(lib.cxm_report_save(self.pointer, None, 0, byref(size), byref(error)), error)
        bytes_of = (c_uint8 * size.value)()
        check(
            lib.cxm_report_save(self.pointer, bytes_of, size.value, byref(size), byref(error)), error
        )
        return bytes(bytes_of)

    def raw(self, rows: Sequence[int]) -> list[tuple[Any, ...]]:
        """The estimates of rows, their fields in order."""
        if not rows:
            return []
        memory: Any = self.memory
        if isinstance(rows, range):
            view = memoryview(memory).cast("B")
            return list(iter_unpack(FORMAT, view[rows[0] * _SIZE : (rows[-1] + 1) * _SIZE]))
        return [unpack_from(FORMAT, memory, row * _SIZE) for row in rows]

    def estimate(self, row: int) -> Any:
        """struct cxm_estimate of a row."""
        memory: Any = self.memory
        return memory[row]

    def measure(self, row: int) -> str:
        """Name of the measure of a row, each looked up once."""
        number = self.estimate(row).measure
        name = self.known_measures.get(number)
        if name is None:
            name = text(lib.cxm_report_measure(self.pointer, row))
            self.known_measures[number] = name
        return name

    def key(self, row: int, group: int) -> tuple[Any, ...]:
        """The key of a row, whose group has this number."""
        found = self.known_keys.get(group)
        if found is None:
            key, values = Key(), []
            for i in range(len(self.keys)):
                check(lib.cxm_report_key(self.pointer, row, i, byref(key)), ErrorStruct())
                values.append(key_value(key))
            found = self.known_keys[group] = tuple(values)
        return found

    def axis(self, name: str, rows: Sequence[int]) -> list[Any]:
        """An axis column: NaN where a real is undefined, None where anything else is."""
        number, kind = self.axes[name]
        if kind == _TEXT:
            read, pointer = lib.cxm_report_text, self.pointer
            found = (read(pointer, number, row) for row in rows)
            return [None if t is None else text(t) for t in found]
        column: Any
        if kind == _REAL:
            column = _array(lib.cxm_report_reals(self.pointer, number), c_double, self.size)
            return _some(column, rows)
        column = _array(lib.cxm_report_ints(self.pointer, number), c_int64, self.size)
        return [None if v == _UNDEFINED else _whole(kind, v) for v in _some(column, rows)]


def _array(pointer: Any, kind: Any, size: int) -> Any:
    return (kind * size).from_address(addressof(pointer.contents)) if pointer else (kind * 0)()


def _some(column: Any, rows: Sequence[int]) -> list[Any]:
    if isinstance(rows, range):
        found: list[Any] = column[rows.start : rows.stop]
        return found
    return [column[row] for row in rows]


def _whole(kind: int, value: int) -> Any:
    if kind == _BOOL:
        return value != 0
    if kind == _DATE:
        return time_value(7, value)
    return time_value(8, value) if kind == _TIME else value


class Report(Numbers, Rows):
    """The rows of an analysis: a comparison, a matrix, a curve, a chart.

    Iterating gives rows with ``group, metric, measure, value, std_error, lower, upper, …``, the
    keys, and the axes: what this analysis adds, such as ``time, cohort, period, p_value``.
    ``to_dict``, ``to_pandas``, ``to_polars``, ``to_arrow``, the Arrow protocol and ``matrix``
    give tables.

    A report of one row, or with one row of the first measure, has the numbers of that row as
    attributes: ``r.value, r.std_error, r.lower, r.upper, r.ci, r.n, r.flags`` …, and its axes:
    ``r.p_value`` (or ``r.p``), ``r.statistic`` …

    ``r["difference"]`` are the rows of one measure, ``r.group(key)`` those of one group; both
    are reports again.
    """

    __slots__ = ("_store", "_rows")

    _store: Store
    _rows: Sequence[int]

    def __init__(self, store: Store, rows: Sequence[int] | None = None) -> None:
        self._store = store
        self._rows = range(store.size) if rows is None else rows

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._rows)

    # ---- one row

    def _one(self) -> int:
        """The row of the attributes."""
        rows = self._rows
        if len(rows) == 1:
            return rows[0]
        if not rows:
            raise Error("this report has no rows")
        name = self._store.measure(rows[0])
        first = self[name]._rows
        if len(first) == 1:
            return first[0]
        raise Error(self._several(name, len(first)))

    def _several(self, name: str, count: int) -> str:
        groups = self.groups
        if len(groups) > 1:
            return (
                f"this report has {len(groups)} groups; use r.group({groups[0]!r}), or iterate"
            )
        others = [m for m in self.measures if m != name]
        hint = f"use r[{others[0]!r}], " if others else "use "
        return (
            f"this report has {count} rows of {name}; {hint}r.to_dict(), r.to_pandas() or "
            "r.matrix(…), or iterate"
        )

    def _head(self) -> Any:
        return self._store.estimate(self._one())

    def __getattr__(self, name: str) -> Any:
        """An axis of the only row."""
        store = None if name.startswith("_") else self._store
        axis = _ALIASES.get(name, name)
        if store is None or axis not in store.axes:
            known = "" if store is None else f"; its axes are {', '.join(store.axes) or 'none'}"
            raise AttributeError(f"this report has no {name!r}{known}")
        return store.axis(axis, [self._one()])[0]

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._store.axes})

    @property
    def metric(self) -> str:
        """Name of the metric, or of the analysis."""
        return text(lib.cxm_report_metric(self._store.pointer, self._one()))

    @property
    def measure(self) -> str:
        """Name of the measure behind the attributes."""
        return self._store.measure(self._one())

    @property
    def definition(self) -> str:
        """The definition id: every choice that changes the number."""
        definitions = dict.fromkeys(self._names(lib.cxm_report_definition))
        if len(definitions) == 1:
            return next(iter(definitions))
        return text(lib.cxm_report_definition(self._store.pointer, self._one()))

    @property
    def unit(self) -> str:
        """What the value is measured in: "share" (in [0, 1]), "points", "scale" …"""
        return unit_name(self._head().unit)

    @property
    def base(self) -> str:
        """What n counts: "responses", "tickets", "customers" …"""
        return text(lib.cxm_base_name(self._head().base))

    @property
    def level(self) -> float:
        """Confidence level of the interval."""
        return float(self._head().level)

    @property
    def interval(self) -> str:
        """How the interval was computed, such as "newcombe"."""
        return interval_name(self._head().interval)

    @property
    def df(self) -> float:
        """Degrees of freedom: of the test where the analysis is one, else of the interval."""
        axis = None
        if "df" in self._store.axes:
            axis = self._store.axis("df", [self._one()])[0]
        return super().df if axis is None or axis != axis else float(axis)

    # ---- some rows

    def __getitem__(self, name: str) -> Report:
        """The rows of one measure, or of a family: ``r["share"]`` has share[1], share[2] …"""
        measure = self._store.measure
        found = [row for row in self._rows if measure(row) == name]
        if not found:
            family = f"{name}["
            found = [row for row in self._rows if measure(row).startswith(family)]
        if not found:
            raise self._unknown(name)
        return Report(self._store, found)

    def _unknown(self, name: Any) -> Error:
        names = self.measures
        close = closest(str(name), names)
        if name in self._store.axes:
            hint = f"it is an axis: r.{name}, r.to_dict()[{name!r}] or row.{name}"
        elif close:
            hint = f"did you mean {close!r}?"
        else:
            hint = "there are " + (", ".join(names[:12]) or "none")
            hint += ", …" if len(names) > 12 else ""
        return Error(
            f"this report has no measure {name!r}; {hint}", column="measures", value=str(name)
        )

    @property
    def measures(self) -> list[str]:
        """Names of the measures, in the order of the rows."""
        return list(dict.fromkeys(map(self._store.measure, self._rows)))

    @property
    def axes(self) -> list[str]:
        """Names of the axis columns."""
        return list(self._store.axes)

    @property
    def key_names(self) -> list[str]:
        """Names of the key columns."""
        return list(self._store.keys)

    @property
    def groups(self) -> list[Any]:
        """The keys of the groups in the order of the rows; with several keys each is a tuple.
        Without groups: []."""
        numbered = dict(zip(self._group_numbers(), self._rows))
        numbered.pop(_TOTAL, None)
        keys = (self._store.key(row, group) for group, row in numbered.items())
        return [k[0] if len(k) == 1 else k for k in keys]

    def _group_numbers(self) -> list[int]:
        return [raw[_GROUP] for raw in self._store.raw(self._rows)]

    def group(self, key: Any) -> Report:
        """The rows of one group."""
        store = self._store
        wanted = key if isinstance(key, tuple) and len(store.keys) > 1 else (key,)
        numbers = self._group_numbers()
        found = [
            row for row, number in zip(self._rows, numbers)
            if number != _TOTAL and store.key(row, number) == wanted
        ] if hashable(key) else []
        if not found:
            raise no_group(key, self.groups)
        return Report(store, found)

    @property
    def total(self) -> Report:
        """The rows of all groups together, where the analysis has any; without groups: all."""
        if not self._store.keys:
            return self
        numbers = self._group_numbers()
        return Report(
            self._store,
            [row for row, number in zip(self._rows, numbers) if number == _TOTAL],
        )

    # ---- tables

    def _names(self, read: Any, rows: Sequence[int] | None = None) -> list[str]:
        pointer = self._store.pointer
        known: dict[Any, str] = {}
        found = []
        for row in self._rows if rows is None else rows:
            name = read(pointer, row)
            decoded = known.get(name)
            if decoded is None:
                decoded = known[name] = text(name)
            found.append(decoded)
        return found

    def _columns(self) -> dict[str, list[Any]]:
        store = self._store
        raw = dict(zip(FIELDS, zip(*store.raw(self._rows))))
        columns: dict[str, list[Any]] = {name: list(raw.get(name, ())) for name in SCHEMA}
        columns["metric"] = self._names(lib.cxm_report_metric)
        columns["measure"] = [store.measure(row) for row in self._rows]
        columns["definition"] = self._names(lib.cxm_report_definition)
        columns["base"] = named(columns["base"], lambda i: text(lib.cxm_base_name(i)))
        columns["interval"] = named(columns["interval"], interval_name)
        columns["unit"] = named(columns["unit"], unit_name)
        columns["flags"] = named(columns["flags"], flag_names)
        return columns

    def _row_keys(self) -> list[tuple[Any, ...]]:
        key = self._store.key
        return [key(row, group) for row, group in zip(self._rows, self._group_numbers())]

    def _key_columns(self, taken: tuple[str, ...] = ()) -> dict[str, list[Any]]:
        keys = self._row_keys()
        names = key_columns(self._store.keys, {*SCHEMA, *self._store.axes, *taken})
        return {name: [key[i] for key in keys] for i, name in enumerate(names)}

    def _axis_columns(self) -> dict[str, list[Any]]:
        return {name: self._store.axis(name, self._rows) for name in self._store.axes}

    def _fill_stream(self, stream: int) -> None:
        rows, error, size = self._rows, ErrorStruct(), len(self._rows)
        some = None if isinstance(rows, range) else (c_int64 * size)(*rows)
        status = lib.cxm_report_to_arrow(self._store.pointer, some, size, stream, byref(error))
        check(status, error)

    # ---- printing, copying

    def _page(self) -> Page:
        from ._report_print import ReportPage

        return ReportPage(self)

    def __copy__(self) -> Report:
        return self

    def __deepcopy__(self, memo: Any) -> Report:
        return self

    def _more(self) -> dict[str, Any]:
        """What a kind of report has beside its rows, for pickling."""
        names = [name for kind in type(self).__mro__[:-1] if kind not in Report.__mro__
                 for name in getattr(kind, "__slots__", ())]
        return {name: getattr(self, name) for name in names if _is_set(self, name)}

    def __reduce__(self) -> tuple[Any, ...]:
        rows = None if isinstance(self._rows, range) else list(self._rows)
        return _load, (type(self), self._store.save(), rows, self._more())


def _is_set(report: Report, name: str) -> bool:
    try:
        object.__getattribute__(report, name)
    except AttributeError:
        return False
    return True


def _load(kind: type[Report], data: bytes, rows: list[int] | None, more: dict[str, Any]) -> Report:
    out, error = c_void_p(), ErrorStruct()
    check(lib.cxm_report_load(byte_pointer(data), len(data), None, byref(out), byref(error)), error)
    report = kind(Store(out.value), rows)
    for name, value in more.items():
        setattr(report, name, value)
    return report
