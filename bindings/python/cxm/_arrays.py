# SPDX-License-Identifier: GPL-3.0-or-later
"""NumPy arrays and pandas series, read in place without importing either."""

from __future__ import annotations

import sys
from ctypes import addressof, c_char
from weakref import ref

from ._errors import Error
from ._lists import from_list, from_texts
from ._library import Column
from ._memory import (
    DAYS, DURATION, I64, LITTLE, MS, NAT, NS, NUMBERS, ORDERED, S, SENTINEL, TEXT, US, ZONED,
    plain, wrong_shape,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_NATIVE, _OTHER = ("<", ">") if LITTLE else (">", "<")
#: '<i8' -> (type, bytes), for the byte order of this machine.
_TYPES: dict[str, tuple[int, int]] = {
    f"{'|' if size == 1 else _NATIVE}{kind}{size}": (number, size)
    for (kind, size), number in NUMBERS.items()
}
_UNITS = {"D": DAYS, "s": S, "ms": MS, "us": US, "ns": NS}
#: Units that are converted by NumPy first, without loss.
_COARSE = {"Y": "D", "M": "D", "W": "D", "h": "s", "m": "s"}
#: Rows of text that are searched at a time.
_NUL_ROWS = 4096
#: Names of categories by the address of their Index.
_NAMES: dict[int, tuple[Any, Column]] = {}


# ---- NumPy -------------------------------------------------------------------------------------


def ndarray_reader() -> dict[type, Any]:
    """NumPy's array -> what reads it. An array that lies side by side and may be written tells its
    address as a buffer, in half the time of ``__array_interface__``, which writes its type as text."""
    numpy = sys.modules["numpy"]
    dtypes = {numpy.dtype(form): found for form, found in _TYPES.items()}
    first_byte = c_char.from_buffer

    def read(values: Any, what: str, labels: dict[str, Any] | None, key: bool) -> Column:
        known = dtypes.get(values.dtype)
        shape = values.shape
        if known is None or len(shape) != 1 or not shape[0] or not values.flags.carray:
            return from_numpy(values, what, labels)
        return plain(known[0], addressof(first_byte(values)), shape[0], known[1], values)

    return {numpy.ndarray: read}


def numpy_values(
    values: Any, what: str, labels: dict[str, Any] | None, key: bool
) -> Column:
    """Arrays, and the single numbers of NumPy, which are refused. NumPy makes the interface anew
    each time that it is asked for."""
    face = getattr(values, "__array_interface__", None)
    if face is None:
        from ._columns import other

        return other(values, what, labels)
    return from_numpy(values, what, labels, face)


def from_numpy(
    values: Any, what: str, labels: dict[str, Any] | None = None, face: Any = None
) -> Column:
    """Anything with ``__array_interface__``."""
    if face is None:
        face = values.__array_interface__
    shape = face["shape"]
    if len(shape) != 1:
        raise wrong_shape(shape, what)
    known = _TYPES.get(face["typestr"])
    if known is None:
        column = _odd(values, face, what, labels)
    else:
        column = _view(values, face, known[0], known[1])
    if type(values).__name__ != "ndarray":
        _set_mask(column, values)
    return column


def _view(values: Any, face: Any, kind: int, size: int) -> Column:
    strides = face.get("strides")
    data = face["data"][0]
    return plain(kind, data, face["shape"][0], strides[0] if strides else size, values)


def _set_mask(column: Column, values: Any) -> None:
    """Masked arrays carry their missing values beside the data."""
    if not any(base.__name__ == "MaskedArray" for base in type(values).__mro__):
        return
    face = getattr(values.mask, "__array_interface__", None)
    if face is None or len(face["shape"]) != 1:
        return  # nomask: nothing is missing
    set_mask(column, face, values.mask)


def set_mask(column: Column, face: Any, owner: Any) -> None:
    """A mask of booleans, one byte a row, true = missing."""
    strides = face.get("strides")
    column.mask = face["data"][0]
    column.mask_stride = strides[0] if strides else 1
    column.holds = owner


def _odd(values: Any, face: Any, what: str, labels: dict[str, Any] | None) -> Column:
    form = face["typestr"]
    order, kind = form[0], form[1]
    if kind == "O" or form.startswith("StringDType"):
        return from_list(values.tolist(), what, labels)
    if kind in "SU":
        return _from_texts(values, face, kind, int(form[2:]), what)
    if kind in "Mm":
        return _from_times(values, face, form, what)
    if kind in "iuf" and order == _OTHER:
        return from_numpy(values.astype(values.dtype.newbyteorder("=")), what)
    if kind == "f":
        return from_numpy(values.astype("f8"), what)
    noun = {"c": "complex numbers", "V": "records of several fields"}.get(kind, f"type {form}")
    raise Error(f"{what}: arrays of {noun} are not columns", column=what)


def _from_texts(values: Any, face: Any, kind: str, size: int, what: str) -> Column:
    """Text of fixed width: bytes in place, UCS-4 converted once to UTF-8."""
    numpy = sys.modules.get("numpy")
    if kind == "S" and size > 0:
        if numpy is not None and _goes_on_behind_nul(numpy, values, "u1", size):
            return from_list(numpy.ma.asarray(values).tolist(), what)
        column = _view(values, face, TEXT, size)
        column.width = size
        return column
    if numpy is None or size == 0 or len(values) == 0:
        return from_list(values.tolist(), what)
    points = numpy.ascontiguousarray(values).view(face["typestr"][0] + "u4")
    if points.max() < 128:
        return from_numpy(points.astype("u1").view(f"S{size}"), what)
    if _goes_on_behind_nul(numpy, values, "u4", size):
        return from_list(values.tolist(), what)
    return from_numpy(numpy.char.encode(values, "utf-8"), what)


def _goes_on_behind_nul(numpy: Any, values: Any, form: str, size: int) -> bool:
    """Texts that hold a NUL themselves, and not only as their padding? In place they would end there.
    By parts, which stay in the cache."""
    rows = numpy.asarray(values)
    for first in range(0, len(rows), _NUL_ROWS):
        flat = numpy.ascontiguousarray(rows[first:first + _NUL_ROWS]).view(form)
        nul = flat == 0
        ends = nul[:-1] > nul[1:]
        ends[size - 1::size] = False  # the next text begins
        if ends.any():
            return True
    return False


def _from_times(values: Any, face: Any, form: str, what: str) -> Column:
    """datetime64 (no time zone) and timedelta64; NaT is missing."""
    if form[0] == _OTHER:
        return from_numpy(values.astype(values.dtype.newbyteorder("=")), what)
    name = form.partition("[")[2].rstrip("]")
    unit = _UNITS.get(name)
    if unit is None:
        single = name.lstrip("0123456789")
        target = _COARSE.get(single, single)
        if target not in _UNITS or (form[1] == "m" and single in ("Y", "M")):
            raise Error(f"{what}: times in units of {name!r} are not columns", column=what)
        finer = values.astype(f"{form[1]}8[{target}]")
        if (finer.astype(values.dtype).view("i8") != values.view("i8")).any():  # it wraps in silence
            raise Error(
                f"{what}: times in units of {name!r} reach beyond 64 bits of {target!r}", column=what
            )
        return from_numpy(finer, what)
    return times(_view(values, face, I64, 8), unit, duration=form[1] == "m")


def times(column: Column, unit: int, *, duration: bool = False, zoned: bool = False) -> Column:
    """Makes integers instants or durations with NumPy's mark for a missing one."""
    column.time_unit = unit
    column.sentinel = NAT
    column.flags = SENTINEL | (DURATION if duration else 0) | (ZONED if zoned else 0)
    return column


# ---- pandas ------------------------------------------------------------------------------------


def from_pandas(
    values: Any, what: str, labels: dict[str, Any] | None = None, key: bool = False
) -> Column:
    """A Series or an Index, by the kind of its array."""
    column = _pandas_column(values, what, labels, key)
    column.index = getattr(values, "index", None)
    return column


def _pandas_column(values: Any, what: str, labels: dict[str, Any] | None, key: bool) -> Column:
    kind = type(values.dtype)
    if kind.__module__.startswith("numpy"):
        return from_numpy(values.to_numpy(), what, labels)
    name, held = kind.__name__, values.array
    if name == "CategoricalDtype":
        return from_categorical(held, what, key)
    if name == "DatetimeTZDtype":
        return times(from_numpy(held.asi8, what), _UNITS[values.dtype.unit], zoned=True)
    if name in ("PeriodDtype", "IntervalDtype"):
        raise Error(
            f"{what}: a column of {values.dtype} cannot be read; pass its start "
            "(.dt.start_time) or its text (.astype(str))",
            column=what,
        )
    if name == "SparseDtype":
        return _pandas_column(values.sparse.to_dense(), what, labels, key)
    if hasattr(held, "_mask") and hasattr(held, "_data"):
        return _from_masked(held, what)
    if "Arrow" in type(held).__name__ and hasattr(held, "__arrow_array__"):
        from ._arrow import from_arrow, is_arrow

        chunks = held.__arrow_array__()
        if is_arrow(chunks):
            return from_arrow(chunks, what)
    if name == "StringDtype":  # Python's texts in an array; that of a Series is made in no time
        return from_numpy(values.to_numpy(dtype=object), what, labels)
    return from_list(list(held), what, labels)


def _from_masked(held: Any, what: str) -> Column:
    """Nullable numbers and booleans. What lies under the mask is arbitrary."""
    column = from_numpy(held._data, what)
    set_mask(column, held._mask.__array_interface__, held)
    return column


def from_categorical(held: Any, what: str, key: bool) -> Column:
    """Codes into a list of categories; -1 is missing. As keys, categories keep their order."""
    categories = held.categories
    numbers = getattr(categories.dtype, "kind", "O") in "iufbMm"
    by_name = not numbers or (key and not categories.is_monotonic_increasing)
    dictionary = (
        _names(categories, what) if by_name else _pandas_column(categories, what, None, False)
    )
    column = from_numpy(held.codes, what)
    column.flags = SENTINEL | (ORDERED if by_name else 0)
    column.sentinel = -1
    point_to(column, dictionary)
    return column


def _names(categories: Any, what: str) -> Column:
    """The names of categories, written once as long as their Index lives: it never changes."""
    place = id(categories)
    known = _NAMES.get(place)
    if known is not None and known[0]() is categories:
        return known[1]
    names = categories.tolist()
    kinds = set(map(type, names))
    if kinds == {bytes}:
        column = from_list(names, what)
    else:
        column = from_texts(names if kinds == {str} else _distinct(map(str, names), what), what)
    _NAMES[place] = ref(categories, lambda _: _NAMES.pop(place, None)), column
    return column


def _distinct(names: Iterable[str], what: str) -> list[str]:
    """The texts of categories of which not all are texts: 1 and "1" would look alike."""
    found = list(names)
    if len(set(found)) < len(found):
        found.sort()
        twice = next(name for name, after in zip(found, found[1:]) if name == after)
        raise Error(
            f"{what}: two categories are written {twice!r}; give them one kind of value, such as "
            ".astype(str)",
            column=what, value=twice,
        )
    return found


def point_to(column: Column, dictionary: Column) -> None:
    """Makes the elements of a column indexes into another one."""
    column.dictionary = addressof(dictionary)
    column.keep = (column.keep, dictionary)
