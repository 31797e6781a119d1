# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as tables of other kinds."""

from __future__ import annotations

from ._errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def pandas_column(pandas: Any, values: list[Any]) -> Any:
    """A key column with a fitting type: whole numbers stay whole beside a missing key."""
    kinds = {type(v).__name__ for v in values if v is not None}
    if kinds == {"int"} and None in values:
        wide = any(v is not None and v >= 2**63 for v in values)
        return pandas.array(values, dtype="UInt64" if wide else "Int64")
    if kinds == {"bool"} and None in values:
        return pandas.array(values, dtype="boolean")
    if kinds and kinds <= {"date", "datetime"}:
        return pandas.to_datetime(pandas.Series(values))
    return values


def numbers(view: memoryview) -> Any:
    """A column of numbers for pandas, which copies it."""
    return _numpy().asarray(view)


def repeated(text: str, n: int) -> Any:
    """A text in every row."""
    return _numpy().full(n, text, dtype=object)


def texts(view: memoryview, name_of: Any) -> Any:
    """The names of numbers, each looked up once."""
    numpy, codes = _numpy(), numbers(view)
    if len(codes) == 0 or (codes == codes[0]).all():
        return repeated(name_of(int(codes[0])) if len(codes) else "", len(codes))
    known, places = numpy.unique(codes, return_inverse=True)
    names = numpy.empty(len(known), dtype=object)
    names[:] = [name_of(int(number)) for number in known]
    return names[places]


def _numpy() -> Any:
    from importlib import import_module

    return import_module("numpy")


def matrix(table: dict[str, list[Any]], value: str, index: str, columns: str) -> dict[Any, Any]:
    """``{index: {column: value}}`` in the order of the rows."""
    for name in (value, index, columns):
        if name not in table:
            raise Error(
                f"matrix: there is no column {name!r}; there are {', '.join(table)}", column=name
            )
    nan = float("nan")
    fields = list(table)
    axes = set(fields[fields.index("flags") + 1:]) if "flags" in table else set()
    across: dict[Any, float] = {}
    places = list(zip(table[index], table[columns], table[value]))
    for row, column, _ in places:
        if not (row is None and index in axes) and not (column is None and columns in axes):
            across[column] = nan
    cells: dict[Any, Any] = {}
    seen = set()
    for row, column, number in places:
        if (row is None and index in axes) or (column is None and columns in axes):
            continue  # a row without that axis, such as an average over it
        if (row, column) in seen:
            raise Error(
                f"matrix: there are several rows for {index} {row!r} and {columns} {column!r}; "
                "choose one measure first, such as r['nps']",
                column=columns, value=str(column),
            )
        seen.add((row, column))
        cells.setdefault(row, dict(across))[column] = number
    return cells
