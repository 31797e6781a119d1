# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns from lists of Python objects: the values are written once into plain memory.

Whatever cannot be read without a guess (a dict, numbers mixed with dates, instants with and
without a zone) is an error that names the row.
"""

from __future__ import annotations

import sys
from array import array
from collections import defaultdict
from ctypes import addressof
from datetime import date, datetime, timedelta, timezone
from itertools import accumulate, count

from ._errors import Error
from ._library import Column
from ._memory import (
    BOOL, DAYS, DECIMAL, DURATION, F64, I32, I64, LITTLE, NULL, U32, U64, US, UTF8_LARGE, ZONED,
    address, plain,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Builder = Callable[[list[Any], "bytes | None", str], Column]

_FEW, _LOOK = 64, 4096
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_EXACT = 2**53
_WORDS = "utf-32-le" if LITTLE else "utf-32-be"

#: How the elements of a type are read. Subclasses are looked up once a call.
_FAMILIES: dict[type, str] = {
    int: "int", float: "float", bool: "bool", str: "text", bytes: "bytes",
    type(None): "none", date: "date", datetime: "datetime", timedelta: "timedelta",
}


def from_list(values: list[Any], what: str, labels: dict[str, Any] | None = None) -> Column:
    """The column of a list. ``labels`` (text -> number or None) is used only where texts stand
    among numbers: a column of texts is left to the library."""
    if len(values) >= _FEW:
        column = _repeated_texts(values, what)
        if column is not None:
            return column
    kinds = set(map(type, values))
    families = {_FAMILIES.get(kind) or _family(kind) for kind in kinds}
    if "" in families:
        raise _unreadable(values, what)
    missing = None
    if "none" in families:
        families.discard("none")
        missing = _mask(values)
    if "float" in families and families & {"text", "date", "datetime", "decimal", "timedelta"}:
        return _with_floats(values, families, what, labels)
    builder = _BUILDERS.get(frozenset(families))
    if builder is not None:
        return builder(values, missing, what)
    if "text" in families and families <= {"text", "int", "bool", "float"}:
        return from_list(_relabelled(values, labels, what), what)
    raise _mixed(values, what)


def from_texts(values: list[str], what: str) -> Column:
    """The column of a list of texts that differ from one another."""
    return _texts(values, None, what)


def _family(kind: type) -> str:
    if kind.__name__ in ("NAType", "NaTType"):
        return "none"
    for known in (bool, int, float, str, bytes, datetime, date, timedelta):
        if issubclass(kind, known):
            return _FAMILIES[known]
    if kind.__module__ == "decimal" and kind.__name__ == "Decimal":
        return "decimal"
    if kind.__module__ == "numpy":
        return _numpy_family(kind)
    if kind.__module__ == "pyarrow.lib":  # a scalar of theirs may be null
        return ""
    return "int" if hasattr(kind, "__index__") else ""


def _numpy_family(kind: type) -> str:
    name = kind.__name__
    if name in ("bool", "bool_"):
        return "bool"
    if name in ("datetime64", "timedelta64"):
        return name
    if hasattr(kind, "__index__") and "int" in name or name.endswith("long"):
        return "int"
    return "float" if name.startswith("float") else ""


def _is_missing(value: object) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _is_float(value: object) -> bool:
    kind = type(value)
    return (_FAMILIES.get(kind) or _family(kind)) == "float"


def _mask(values: list[Any]) -> bytes:
    return bytes(map(_is_missing, values))


def _unreadable(values: list[Any], what: str) -> Error:
    row, value = next(
        (i, v) for i, v in enumerate(values) if not (_FAMILIES.get(type(v)) or _family(type(v)))
    )
    return Error(
        f"{what}: row {row} is a {type(value).__name__}; a column holds numbers, texts, dates, "
        "durations or None",
        column=what, row=row, value=repr(value)[:60], status="EDATA",
    )


def _mixed(values: list[Any], what: str) -> Error:
    first = next(v for v in values if not _is_missing(v))
    row, other = next(
        (i, v) for i, v in enumerate(values)
        if not _is_missing(v) and type(v) is not type(first)
    )
    return Error(
        f"{what}: row {row} is a {type(other).__name__} among values of type "
        f"{type(first).__name__}; give one kind of value",
        column=what, row=row, value=str(other)[:60], status="EDATA",
    )


def _with_floats(
    values: list[Any], families: set[str], what: str, labels: dict[str, Any] | None
) -> Column:
    """Texts, dates … among floats: where all the floats are NaN they mean "no value"."""
    if all(v != v for v in values if _is_float(v)):
        return from_list([None if _is_float(v) else v for v in values], what, labels)
    if "text" in families and families <= {"text", "int", "bool", "float"}:
        return from_list(_relabelled(values, labels, what), what)
    raise _mixed(values, what)


def _relabelled(values: list[Any], labels: dict[str, Any] | None, what: str) -> list[Any]:
    """Numbers with texts among them: the texts become what their label says."""
    known = labels or {}
    for row, value in enumerate(values):
        if isinstance(value, str) and value not in known:
            raise Error(
                f"{what}: row {row} is {value!r}, a text among numbers; say what it means with "
                f"labels={{{value!r}: …}}, or missing_codes=[{value!r}] for no answer",
                column=what, row=row, value=value, status="EDATA",
            )
    return [known[v] if isinstance(v, str) else v for v in values]


def _filled(values: list[Any], missing: bytes | None, blank: object) -> list[Any]:
    if missing is None:
        return values
    return [blank if gone else value for value, gone in zip(values, missing)]


# ---- one builder a family ----------------------------------------------------------------------


def _nulls(values: list[Any], missing: bytes | None, what: str) -> Column:
    return plain(NULL, None, len(values), 0)


def _store(code: str, kind: int, numbers: Sequence[Any], missing: bytes | None) -> Column:
    store = array(code, numbers)
    return plain(kind, store.buffer_info()[0], len(store), store.itemsize, store, missing)


def _integers(values: list[Any], missing: bytes | None, what: str) -> Column:
    filled = _filled(values, missing, 0)
    try:
        return _store("q", I64, filled, missing)
    except OverflowError:
        pass
    try:
        return _store("Q", U64, filled, missing)
    except OverflowError:
        row = next(i for i, v in enumerate(filled) if not -(2**63) <= v < 2**63)
        shown = _shown(filled[row])
        raise Error(
            f"{what}: row {row} is {shown}, beyond 64 bits",
            column=what, row=row, value=shown, status="EDATA",
        ) from None


def _floats(values: list[Any], missing: bytes | None, what: str) -> Column:
    return _store("d", F64, _filled(values, missing, 0.0), missing)


def _reals(values: list[Any], missing: bytes | None, what: str) -> Column:
    """Whole numbers among floats: all become floats, which must not change any of them."""
    filled = _filled(values, missing, 0.0)
    for row, value in enumerate(filled):
        if abs(value) > _EXACT and not _is_float(value):
            shown = _shown(value)
            raise Error(
                f"{what}: row {row} is {shown}, which a float beside it cannot hold exactly",
                column=what, row=row, value=shown, status="EDATA",
            )
    return _store("d", F64, filled, missing)


def _shown(number: Any) -> str:
    """A whole number for a message. Python writes none of thousands of digits."""
    bits = int(number).bit_length()
    return str(number) if bits < 256 else f"a number of {bits} bits"


def _booleans(values: list[Any], missing: bytes | None, what: str) -> Column:
    store = bytes(map(bool, _filled(values, missing, False)))
    return plain(BOOL, address(store), len(store), 1, store, missing)


def _texts(values: list[Any], missing: bytes | None, what: str) -> Column:
    filled = _filled(values, missing, "")
    joined = "".join(filled)
    try:
        heap = joined.encode()
    except UnicodeEncodeError:
        raise _bad_text(filled, what) from None
    if len(heap) == len(joined):
        return _offsets(heap, map(len, filled), missing)
    return _offsets(heap, map(len, map(str.encode, filled)), missing)


def _repeated_texts(values: list[Any], what: str) -> Column | None:
    """Texts of which many are alike, perhaps with missing ones among them, as indexes into those
    that differ: Python finds a text that it has seen in a fifth of the time that it takes to write it
    down. The indexes are collected as characters, which Python joins five times as fast as it packs
    numbers. None: not such a list, or the texts are too different."""
    look = values[:_LOOK]
    if str not in map(type, look):
        return None
    letters: Any = defaultdict(map(chr, count()).__next__)
    try:
        if len(set(look)) == len(look):
            return None
        store = "".join(map(letters.__getitem__, values)).encode(_WORDS, "surrogatepass")
        dictionary = _dictionary(list(letters), what)
    except (TypeError, ValueError):  # what cannot be a key, very many, no text: named the other way
        return None
    if dictionary is None or 2 * dictionary.n > len(values):
        return None
    column = plain(U32, address(store), len(values), 4, (store, dictionary))
    column.dictionary = addressof(dictionary)
    return column


def _dictionary(values: list[Any], what: str) -> Column | None:
    """Texts that differ, of which some may stand for "no value"; None: there is something else."""
    if set(map(type, values)) == {str}:
        return _texts(values, None, what)
    missing = [_is_missing(v) or (isinstance(v, float) and v != v) for v in values]
    if not all(gone or isinstance(value, str) for value, gone in zip(values, missing)):
        return None
    return _texts(values, bytes(missing), what)


def _bad_text(values: list[str], what: str) -> Error:
    row = next(i for i, v in enumerate(values) if any("\ud800" <= c <= "\udfff" for c in v))
    return Error(
        f"{what}: row {row} is not valid Unicode: {values[row]!r}",
        column=what, row=row, value=repr(values[row])[:60], status="EDATA",
    )


def _byte_strings(values: list[Any], missing: bytes | None, what: str) -> Column:
    filled = _filled(values, missing, b"")
    return _offsets(b"".join(filled), map(len, filled), missing)


def _offsets(heap: bytes, lengths: Any, missing: bytes | None) -> Column:
    store = array("q", list(accumulate(lengths, initial=0)))
    column = plain(UTF8_LARGE, store.buffer_info()[0], len(store) - 1, 0, (store, heap), missing)
    column.heap = address(heap)
    return column


def _dates(values: list[Any], missing: bytes | None, what: str) -> Column:
    filled = _filled(values, missing, date(1970, 1, 1))
    column = _store("i", I32, [v.toordinal() - _EPOCH_DAY for v in filled], missing)
    column.time_unit = DAYS
    return column


def _microseconds(instant: datetime) -> int:
    seconds = (instant.hour * 60 + instant.minute) * 60 + instant.second
    return ((instant.toordinal() - _EPOCH_DAY) * 86400 + seconds) * 10**6 + instant.microsecond


def _instants(values: list[Any], missing: bytes | None, what: str) -> Column:
    present = [v for v in values if not _is_missing(v)]
    zoned = present[0].utcoffset() is not None
    for row, value in enumerate(values):
        if not _is_missing(value) and (value.utcoffset() is not None) != zoned:
            raise Error(
                f"{what}: row {row} is {value.isoformat()}: instants with and without a time "
                "zone are mixed",
                column=what, row=row, value=value.isoformat(), status="EDATA",
            )
    filled = _filled(values, missing, datetime(1970, 1, 1, tzinfo=timezone.utc if zoned else None))
    counts = [_microseconds(v) for v in filled]
    if zoned:  # what is in no year of Python's in UTC, on its first day or its last, is an instant too
        counts = [n - v.utcoffset() // _MICROSECOND for n, v in zip(counts, filled)]
    column = _store("q", I64, counts, missing)
    column.time_unit = US
    column.flags |= ZONED if zoned else 0
    return column


def _durations(values: list[Any], missing: bytes | None, what: str) -> Column:
    filled = _filled(values, missing, timedelta())
    counts = [(v.days * 86400 + v.seconds) * 10**6 + v.microseconds for v in filled]
    column = _store("q", I64, counts, missing)
    column.time_unit = US
    column.flags |= DURATION
    return column


def _decimals(values: list[Any], missing: bytes | None, what: str) -> Column:
    """Exact: whole multiples of the smallest unit that occurs."""
    gone = bytes(_is_missing(v) or (not isinstance(v, int) and v.is_nan()) for v in values)
    filled = _filled(values, gone, 0)
    scale = max(0, max((_digits(v, row, what) for row, v in enumerate(filled)), default=0))
    try:
        store = b"".join(_scaled(v, scale).to_bytes(16, "little", signed=True) for v in filled)
    except OverflowError:
        raise Error(
            f"{what}: the decimals need more than 38 digits", column=what, status="EDATA"
        ) from None
    column = plain(DECIMAL, address(store), len(filled), 16, store, gone if any(gone) else None)
    column.scale = scale
    return column


def _digits(value: Any, row: int, what: str) -> int:
    if isinstance(value, int):
        return 0
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -38:
        return -exponent
    raise Error(
        f"{what}: row {row} is {value}, which has no exact decimal of 38 digits",
        column=what, row=row, value=str(value), status="EDATA",
    )


def _scaled(value: Any, scale: int) -> int:
    over, under = value.as_integer_ratio()
    whole: int = over * 10**scale // under
    return whole


def _numpy_times(values: list[Any], missing: bytes | None, what: str) -> Column:
    from ._arrays import from_numpy

    numpy = sys.modules["numpy"]
    unit = numpy.array([v for v in values if not _is_missing(v)]).dtype
    filled = ["NaT" if _is_missing(v) else v for v in values]
    return from_numpy(numpy.array(filled, dtype=unit), what)


_BUILDERS: dict[frozenset[str], Builder] = {
    frozenset(): _nulls,
    frozenset({"int"}): _integers,
    frozenset({"int", "bool"}): _integers,
    frozenset({"bool"}): _booleans,
    frozenset({"float"}): _floats,
    frozenset({"float", "int"}): _reals,
    frozenset({"float", "bool"}): _reals,
    frozenset({"float", "int", "bool"}): _reals,
    frozenset({"text"}): _texts,
    frozenset({"bytes"}): _byte_strings,
    frozenset({"date"}): _dates,
    frozenset({"datetime"}): _instants,
    frozenset({"timedelta"}): _durations,
    frozenset({"decimal"}): _decimals,
    frozenset({"decimal", "int"}): _decimals,
    frozenset({"datetime64"}): _numpy_times,
    frozenset({"timedelta64"}): _numpy_times,
}
