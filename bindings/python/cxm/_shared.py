# SPDX-License-Identifier: GPL-3.0-or-later
"""What results and reports have in common: the numbers of one row, and tables of all rows."""

from __future__ import annotations

from ctypes import c_double, c_int64, c_uint32, sizeof

from ._errors import Error
from ._library import Estimate
from ._names import flag_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._print import Page
    from ._row import Row

#: The columns of every result after the key columns, in order. Only ever appended to.
SCHEMA = (
    "metric", "measure", "value", "std_error", "lower", "upper", "level", "interval", "n",
    "missing", "invalid", "excluded", "sum_weight", "n_eff", "unit", "base", "definition", "flags",
)
FIELDS = tuple(field[0] for field in Estimate._fields_)
#: struct cxm_estimate for the struct module, which reads many rows at once.
FORMAT = "@" + "".join(
    {c_double: "d", c_int64: "q", c_uint32: "I"}[field[1]] for field in Estimate._fields_
)


#: Where the fields of struct cxm_estimate lie: number, type and numbers a struct, for memoryview.
_PLACES = {
    member[0]: (
        getattr(Estimate, member[0]).offset // sizeof(member[1]),
        {c_double: "d", c_int64: "q", c_uint32: "I"}[member[1]],
        sizeof(Estimate) // sizeof(member[1]),
    )
    for member in Estimate._fields_
}


def field(rows: Any, name: str) -> memoryview:
    """One field of an array of struct cxm_estimate, where it lies."""
    first, kind, step = _PLACES[name]
    return memoryview(rows).cast("B").cast(kind)[first::step]  # type: ignore[call-overload,no-any-return]


def fields(rows: Any) -> dict[str, list[Any]]:
    """The columns of the schema that are fields; names are numbers as yet."""
    return {name: field(rows, name).tolist() if name in _PLACES else [] for name in SCHEMA}


def named(numbers: list[int], name_of: Any) -> list[Any]:
    """The names of numbers, each looked up once."""
    names = {number: name_of(number) for number in set(numbers)}
    if len(names) == 1:
        return list(names.values()) * len(numbers)
    return [names[number] for number in numbers]


def hashable(key: Any) -> bool:
    try:
        hash(key)
    except TypeError:
        return False
    return True


def no_group(key: Any, groups: list[Any]) -> Error:
    """The error for a key that does not occur."""
    known = ", ".join(map(repr, groups[:10])) + (", …" if len(groups) > 10 else "")
    return Error(
        f"there is no group {key!r}; there are {known or 'no groups'}", value=str(key)
    )


class Numbers:
    """The numbers of the headline. A subclass says which estimate that is."""

    __slots__ = ()

    def _head(self) -> Any:
        """struct cxm_estimate behind the attributes, or an error that says what to do."""
        raise NotImplementedError

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


class Rows:
    """Rows of the schema as tables of many kinds. A subclass gives keys and columns."""

    __slots__ = ()

    def _row_keys(self) -> list[tuple[Any, ...]]:
        """The key of every row, as a tuple."""
        raise NotImplementedError

    @property
    def key_names(self) -> list[str]:
        """Names of the key columns."""
        raise NotImplementedError

    def _key_columns(self, taken: tuple[str, ...] = ()) -> dict[str, list[Any]]:
        """The keys by column; names that are taken by others, here or in the schema, end in _key."""
        raise NotImplementedError

    def _columns(self) -> dict[str, list[Any]]:
        """The columns of the schema, without the keys and axes."""
        raise NotImplementedError

    def _axis_columns(self) -> dict[str, list[Any]]:
        return {}

    def _frame_columns(self) -> dict[str, Any]:
        """The same for pandas: anything that makes a column of it."""
        columns: dict[str, Any] = self._columns()
        columns["flags"] = ["|".join(flags) for flags in columns["flags"]]
        return columns

    def _fill_stream(self, stream: int) -> None:
        """Exports the rows into a new Arrow stream."""
        raise NotImplementedError

    def _page(self) -> Page:
        """What is printed."""
        raise NotImplementedError

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Row]:
        from ._row import make_rows

        return iter(make_rows(self))

    def to_dict(self) -> dict[str, list[Any]]:
        """The rows as lists by column: the key columns under their names, ``group`` (the key, a
        tuple for several keys, None without groups), then the schema, then the axes of a report.
        Undefined numbers are NaN; flags are tuples of names. A key called like a later column
        becomes ``…_key``, one of several that is called ``group`` too."""
        keys = self._row_keys()
        groups = [(k[0] if len(k) == 1 else k) if k else None for k in keys]
        own = self._key_columns(("group",) if len(self.key_names) > 1 else ())
        return {**own, "group": groups, **self._columns(), **self._axis_columns()}

    def to_pandas(self) -> Any:
        """The rows as a pandas DataFrame; flags are text joined by "|"."""
        from importlib import import_module

        from ._tables import pandas_column

        pandas: Any = import_module("pandas")

        table = {name: pandas_column(pandas, v) for name, v in self._key_columns().items()}
        axes = {name: pandas_column(pandas, v) for name, v in self._axis_columns().items()}
        columns = self._frame_columns()
        return pandas.DataFrame({**table, **columns, **axes})

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

        return export_stream(self._fill_stream)

    def matrix(self, value: str = "value", *, index: str, columns: str) -> dict[Any, Any]:
        """The rows reshaped: ``{index: {column: value}}``, NaN where there is no row.

        >>> r.matrix("value", index="cohort", columns="period")      # doctest: +SKIP
        """
        from ._tables import matrix

        return matrix(self.to_dict(), value, index, columns)

    def __repr__(self) -> str:
        from ._print import table

        return table(self._page())

    def _repr_html_(self) -> str:
        from ._print import html

        return html(self._page())
