# SPDX-License-Identifier: GPL-3.0-or-later
"""``data=``: tables whose columns are named by text.

dict, pandas, Polars, PyArrow and structured NumPy arrays give their columns one by one. Anything
else that exports an Arrow stream (a DuckDB relation, a reader) is taken whole, once.
"""

from __future__ import annotations

from ._arrow import ArrowData, import_arrow, is_arrow
from ._columns import column_of, family_of, groupby
from ._errors import Error, closest
from ._library import Column
from ._shared import hashable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Frame:
    """A table: its names, and how to get one column. ``levels`` are the names in the index of
    pandas, which are no columns."""

    __slots__ = ("names", "take", "arrow", "levels")

    def __init__(
        self, names: Any, take: Callable[[str], Any] | None, arrow: ArrowData | None = None,
        levels: Any = (),
    ) -> None:
        self.names = names
        self.take = take
        self.arrow = arrow
        self.levels = levels

    def column(
        self, name: str, role: str, labels: dict[str, Any] | None = None, key: bool = False
    ) -> Column:
        """The column with that name. Messages of the library call it by its name."""
        if self.arrow is not None:
            return self._from_arrow(self.arrow, name, role)
        assert self.take is not None
        if name not in self.names:
            raise self._unknown(name, role)
        return column_of(self.take(name), name, labels, key)

    def _from_arrow(self, arrow: ArrowData, name: str, role: str) -> Column:
        index = arrow.find(name)
        if index == -1:
            raise self._unknown(name, role)
        if index < 0:
            raise Error(f"{role}: data has several columns named {name!r}", column=role)
        return arrow.column(index, name)

    def refuse_name(self, name: Any, role: str) -> None:
        """Tables may call their columns by numbers or tuples; here those are values."""
        if self.arrow is None and hashable(name) and name in self.names:
            raise Error(
                f"{role}: names of columns are text here, and data calls one {name!r}; pass that "
                f"column itself, data[{name!r}], or rename it",
                column=role, value=str(name),
            )

    def _unknown(self, name: str, role: str) -> Error:
        names = self.arrow.names() if self.arrow is not None else list(map(str, self.names))
        close = closest(name, names)
        if name in self.levels:
            hint = "; it is a level of the index: pass data=frame.reset_index()"
        elif name in names:
            odd = next(known for known in self.names if str(known) == name)
            hint = (
                f", but one called {odd!r}, which is no text; pass that column itself, or rename it"
            )
        elif close:
            hint = f"; did you mean {close!r}?"
        else:
            hint = "; it has " + (", ".join(map(repr, names[:12])) or "no columns")
            hint += ", …" if len(names) > 12 else ""
        return Error(f"{role}: data has no column {name!r}{hint}", column=role, value=name)


def frame_of(data: Any) -> Frame:
    """Understands ``data=``."""
    if isinstance(data, dict):
        return Frame(data, data.__getitem__)
    if isinstance(data, Frame):
        return data
    special = _SPECIAL.get(family_of(type(data)))
    frame = special(data) if special is not None else None
    if frame is not None:
        return frame
    if is_arrow(data):
        return Frame((), None, import_arrow(data, "data"))
    return _last_chance(data)


def _pandas(data: Any) -> Frame | None:
    if type(data).__name__.endswith("GroupBy"):
        raise groupby(data, "data")
    if not hasattr(data, "columns"):
        if not hasattr(data, "name") or not hasattr(data, "index"):
            return None
        return Frame([data.name], lambda name: data, levels=data.index.names)

    def take(name: str) -> Any:
        values = data[name]
        if hasattr(values, "columns"):
            if data.columns.nlevels > 1:
                raise Error(
                    f"{name}: the columns of data have {data.columns.nlevels} levels, and this "
                    "name has several columns; pass the one that is meant itself",
                    column=name,
                )
            raise Error(f"{name}: data has several columns named {name!r}", column=name)
        return values

    return Frame(data.columns, take, levels=data.index.names)


def _polars(data: Any) -> Frame | None:
    if type(data).__name__ == "LazyFrame":
        raise Error(
            "data: a LazyFrame has no rows yet; pass data=frame.collect()", column="data"
        )
    return Frame(data.columns, data.get_column) if hasattr(data, "get_column") else None


def _pyarrow(data: Any) -> Frame | None:
    if not hasattr(data, "column_names") or not hasattr(data, "column"):
        return None
    names = data.column_names

    def take(name: str) -> Any:
        if names.count(name) > 1:
            raise Error(f"{name}: data has several columns named {name!r}", column=name)
        return data.column(names.index(name))

    return Frame(names, take)


def _numpy(data: Any) -> Frame | None:
    names = getattr(getattr(data, "dtype", None), "names", None)
    return Frame(names, data.__getitem__) if names else None


_SPECIAL: dict[str, Callable[[Any], Frame | None]] = {
    "pandas": _pandas,
    "polars": _polars,
    "pyarrow": _pyarrow,
    "numpy": _numpy,
}


def _last_chance(data: Any) -> Frame:
    """Other mappings; everything else is refused."""
    if hasattr(data, "keys") and hasattr(data, "__getitem__"):
        return Frame(list(data.keys()), data.__getitem__)
    readers = ("to_table", "to_arrow_table", "toArrow", "to_arrow", "read_all", "read")
    for reader in readers:  # data sets and scanners, results of DuckDB, frames of Spark, files of Parquet
        if callable(getattr(data, reader, None)) and not hasattr(data, "readline"):
            raise Error(
                f"data: a {type(data).__name__} is no table yet; pass data=x.{reader}(), which reads its "
                "rows",
                column="data",
            )
    raise Error(
        f"data: a {type(data).__name__} is not a table; pass a dict of columns, a pandas, Polars "
        "or PyArrow table, or anything with __arrow_c_stream__",
        column="data",
    )


def is_frame(value: Any) -> bool:
    """A table of named columns, and not one column?"""
    if isinstance(value, dict):
        return True
    family = family_of(type(value))
    if family in ("pandas", "polars"):
        return hasattr(value, "columns")
    if family == "pyarrow":
        return hasattr(value, "column_names")
    return bool(getattr(getattr(value, "dtype", None), "names", None))
