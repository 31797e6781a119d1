# SPDX-License-Identifier: GPL-3.0-or-later
"""Any object a user may have -> struct cxm_column, without copying where memory allows it.

Read in place: array.array, buffers, NumPy (strided, read-only, masked), pandas, Polars, PyArrow
and everything else with ``__arrow_c_stream__`` or ``__arrow_c_array__``. Written once: lists and
other sequences of Python objects.
"""

from __future__ import annotations

from importlib import import_module

from ._errors import Error
from ._library import Column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ORDERED = 1  # enum cxm_column_flags
_DUCKDB = ("duckdb", "_duckdb")


def column_of(
    values: Any, what: str, labels: dict[str, Any] | None = None, key: bool = False
) -> Column:
    """The column of an object. ``what`` is its role or name, for messages; ``key`` says that it
    is used as a key of the groups."""
    kind = type(values)
    special = _READERS.get(kind) or _SPECIAL.get(family_of(kind))
    if special is not None:
        column: Column = special(values, what, labels, key)
        return column
    return other(values, what, labels)


def family_of(kind: type) -> str:
    """The library that a type comes from, or from which it inherits what a series or a frame is."""
    name = kind.__module__.partition(".")[0]
    if name in _SPECIAL:
        return name
    bases = (base.__module__.partition(".")[0] for base in kind.__mro__[1:])
    return next((base for base in bases if base in ("pandas", "polars")), name)


def is_array(values: Any) -> bool:
    """A NumPy array of one column?"""
    return type(values) in _READERS and values.dtype.names is None


def name_of(values: Any) -> str | None:
    """The name that a series carries with it."""
    kind = type(values)
    if kind in _READERS:
        return None
    family = family_of(kind)
    if family == "polars":
        if not any(base.__name__ == "Series" for base in kind.__mro__):
            return None
    elif family != "pandas":
        return None
    name = getattr(values, "name", None)
    return None if name is None or name == "" else str(name)


# ---- one function a library; each loads what it needs when it is first needed --------------------


def _builtin(values: Any, what: str, labels: dict[str, Any] | None, key: bool) -> Column:
    if type(values) is list:
        from ._lists import from_list

        return from_list(values, what, labels)
    return other(values, what, labels)


def _array(values: Any, what: str, labels: dict[str, Any] | None, key: bool) -> Column:
    from ._memory import from_array

    return from_array(values, what)


def _numpy(values: Any, what: str, labels: dict[str, Any] | None, key: bool) -> Column:
    from ._arrays import ndarray_reader, numpy_values

    _READERS.update(ndarray_reader())
    _SPECIAL["numpy"] = numpy_values
    return numpy_values(values, what, labels, key)


def _pandas(values: Any, what: str, labels: dict[str, Any] | None, key: bool) -> Column:
    from ._arrays import from_categorical, from_pandas

    if type(values).__name__.endswith("GroupBy"):
        raise groupby(values, what)
    if getattr(values, "nlevels", 1) > 1:
        raise Error(
            f"{what}: an index of {values.nlevels} levels is not one column; pass one of them, "
            ".get_level_values(0), or as by= all of them",
            column=what,
        )
    if hasattr(values, "array") and hasattr(values, "dtype"):
        return from_pandas(values, what, labels, key)
    if hasattr(values, "columns"):
        raise _table(what)
    if hasattr(values, "categories"):  # a bare Categorical
        return from_categorical(values, what, key)
    if hasattr(values, "dtype") and hasattr(values, "isna"):  # a bare array, such as Series.array
        column = from_pandas(import_module("pandas").Series(values, copy=False), what, labels, key)
        column.index = None  # it has none
        return column
    return other(values, what, labels)


def _polars(values: Any, what: str, labels: dict[str, Any] | None, key: bool) -> Column:
    name = type(values).__name__
    if name == "LazyFrame":
        raise Error(f"{what}: a LazyFrame has no rows yet; call .collect() first", column=what)
    if name == "Expr":
        raise Error(
            f"{what}: an expression has no rows; pass data=frame and the name of a column, or "
            "frame.select(…).to_series()",
            column=what,
        )
    if name == "DataFrame":
        raise _table(what)
    dtype = type(getattr(values, "dtype", None)).__name__
    if str(getattr(values, "dtype", "")) == "Object":
        return _builtin(values.to_list(), what, labels, key)
    from ._arrow import from_arrow

    column = from_arrow(values, what)
    if dtype == "Enum":  # older versions do not say that its categories are in order
        column.flags |= _ORDERED
    return column


def _pyarrow(values: Any, what: str, labels: dict[str, Any] | None, key: bool) -> Column:
    if type(values).__name__ == "RecordBatchReader":
        raise _reader(values, what)
    if hasattr(values, "schema"):
        raise _table(what)
    return other(values, what, labels)


def _duckdb(values: Any, what: str, labels: dict[str, Any] | None, key: bool) -> Column:
    raise _reader(values, what)


_SPECIAL: dict[str, Any] = {
    "builtins": _builtin, "array": _array, "numpy": _numpy, "pandas": _pandas,
    "polars": _polars, "pyarrow": _pyarrow,
}
_SPECIAL.update(dict.fromkeys(_DUCKDB, _duckdb))
#: NumPy's array, once one was seen, and what reads it: without looking at names of modules.
_READERS: dict[type, Any] = {}


def other(values: Any, what: str, labels: dict[str, Any] | None) -> Column:
    if isinstance(values, str):
        raise Error(
            f"{what}: {values!r} names a column, and a name needs data=…; pass data=, or the "
            "values themselves",
            column=what, value=values,
        )
    if isinstance(values, (dict, set, frozenset)):
        noun = type(values).__name__
        raise Error(f"{what}: a {noun} has no rows in order; pass a list", column=what)
    if hasattr(values, "__array_interface__"):
        from ._arrays import from_numpy

        return from_numpy(values, what, labels)
    if hasattr(values, "__arrow_c_stream__") or hasattr(values, "__arrow_c_array__"):
        from ._arrow import from_arrow

        return from_arrow(values, what)
    return _unknown(values, what, labels)


def _unknown(values: Any, what: str, labels: dict[str, Any] | None) -> Column:
    """Buffers, what turns into an array, and everything that can be iterated."""
    try:
        view = memoryview(values)
    except (TypeError, BufferError):
        view = None
    if view is not None:
        from ._memory import from_buffer

        return from_buffer(view, what)
    if hasattr(values, "__array__"):
        return column_of(values.__array__(), what, labels)
    try:
        rows = list(values)
    except TypeError:
        raise Error(
            f"{what}: {type(values).__name__} is not a column; pass a list, an array or a series",
            column=what,
        ) from None
    return _builtin(rows, what, labels, False)


def groupby(values: Any, what: str) -> Error:
    return Error(
        f"{what}: a {type(values).__name__} has no rows of its own; pass the frame that was grouped, "
        "and by= with the names of its keys",
        column=what,
    )


def _table(what: str) -> Error:
    return Error(f"{what}: is a table; pass data=… and name the column", column=what)


def _reader(values: Any, what: str) -> Error:
    return Error(
        f"{what}: a {type(values).__name__} cannot be one column, because its rows have no fixed "
        "order; pass it whole as data=… and name the column",
        column=what,
    )
