# SPDX-License-Identifier: GPL-3.0-or-later
"""The library's tallies, held by Python: memory, locks, keys, bytes."""

from __future__ import annotations

from _thread import allocate_lock
from ctypes import (
    POINTER, byref, c_char_p, c_size_t, c_uint8, c_void_p, cast, create_string_buffer, sizeof,
    string_at,
)

from ._errors import Error
from ._library import ErrorStruct, Key, KeyInfo, Measure, TallyInfo, check, lib, text
from ._registry import Known, encode, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from typing import Any


class Handle:
    """A tally of the library. The lock lets several Python threads share it."""

    __slots__ = ("pointer", "metric", "lock")

    def __init__(self, pointer: int | None, metric: Known) -> None:
        self.pointer = pointer
        self.metric = metric
        self.lock = allocate_lock()

    def __del__(self, free: Any = lib.cxm_tally_free) -> None:
        free(self.pointer)

    def copy(self) -> Handle:
        out, error = c_void_p(), ErrorStruct()
        with self.lock:
            check(lib.cxm_tally_copy(self.pointer, byref(out), byref(error)), error)
        return Handle(out.value, self.metric)

    def definition(self) -> str:
        """The definition id, whole."""
        with self.lock:
            need = lib.cxm_tally_definition(self.pointer, None, 0)
            buffer = create_string_buffer(need + 1)
            lib.cxm_tally_definition(self.pointer, buffer, need + 1)
        return text(buffer.value)

    def info(self) -> Any:
        out = TallyInfo()
        with self.lock:
            lib.cxm_tally_describe(self.pointer, byref(out))
        return out

    def key_infos(self) -> list[tuple[str, int]]:
        """Name ("" when it has none) and type of every key."""
        found: list[tuple[str, int]] = []
        with self.lock:
            count = lib.cxm_tally_n_keys(self.pointer)
            if count == 0:
                return found
            info = KeyInfo()
            for i in range(count):
                check(lib.cxm_tally_key_info(self.pointer, i, byref(info)), ErrorStruct())
                found.append((text(info.name), int(info.type)))
        return found

    def groups(self) -> int:
        with self.lock:
            return int(lib.cxm_tally_groups(self.pointer))

    def keys(self, groups: Iterable[int]) -> list[tuple[Any, ...]]:
        """The keys of groups as Python values; None is the group without a value."""
        key, error, ask = Key(), ErrorStruct(), lib.cxm_tally_key
        place, pointer = byref(key), self.pointer
        found = []
        with self.lock:
            columns = range(lib.cxm_tally_n_keys(pointer))
            for group in groups:
                values: list[Any] = []
                for i in columns:
                    status = ask(pointer, group, i, place)
                    if status:
                        check(status, error)
                    whole = key.type == 0 and not key.missing
                    values.append(key.integer if whole else key_value(key))
                found.append(tuple(values))
        return found

    def measures(self) -> Any:
        """All measures, as an array of struct cxm_measure."""
        count, error, size = c_size_t(), ErrorStruct(), sizeof(Measure)
        with self.lock:
            status = lib.cxm_tally_measures(
                self.pointer, None, size, 0, byref(count), byref(error)
            )
            check(status, error)
            array = (Measure * count.value)()
            status = lib.cxm_tally_measures(
                self.pointer, array, size, count.value, byref(count), byref(error)
            )
            check(status, error)
        return array

    def items(self) -> list[str]:
        """Names of the items of a metric that has any. Dimensions have measures too, behind them."""
        info = self.metric.info
        families = [text(info.measures[i].name) for i in range(info.n_measures)]
        family = next(i for i, name in enumerate(families) if name.endswith("[item]"))
        start = len(families[family]) - len("item]")
        names = [text(m.name)[start:-1] for m in self.measures() if m.family == family]
        count = int(self.definition().partition("items=")[2].partition("/")[0])
        return names[:count]

    def group(self, group: int, keep_keys: bool) -> Handle:
        """One group as a tally of its own; -1 is the total."""
        out, error = c_void_p(), ErrorStruct()
        with self.lock:
            status = lib.cxm_tally_group(
                self.pointer, group, int(keep_keys), byref(out), byref(error)
            )
            check(status, error)
        return Handle(out.value, self.metric)

    def save(self) -> bytes:
        size, error = c_size_t(), ErrorStruct()
        with self.lock:
            check(lib.cxm_tally_save(self.pointer, None, 0, byref(size), byref(error)), error)
            store = (c_uint8 * size.value)()
            status = lib.cxm_tally_save(
                self.pointer, store, size.value, byref(size), byref(error)
            )
            check(status, error)
        return bytes(store)


def new_handle(metric: Known, params: dict[str, Any]) -> Handle:
    """An empty tally."""
    array, n = encode(metric, params)
    out, error = c_void_p(), ErrorStruct()
    status = lib.cxm_tally_new(metric.encoded, array, n, None, byref(out), byref(error))
    if status:
        check(status, error)
    return Handle(out.value, metric)


def byte_pointer(data: bytes) -> Any:
    return cast(c_char_p(data), POINTER(c_uint8))


def load_handle(data: Any) -> Handle:
    """A tally from saved bytes."""
    store, out, error = saved_bytes(data), c_void_p(), ErrorStruct()
    status = lib.cxm_tally_load(
        byte_pointer(store), len(store), None, byref(out), byref(error)
    )
    check(status, error)
    info = TallyInfo()
    lib.cxm_tally_describe(out, byref(info))
    return Handle(out.value, known(text(info.metric)))


def saved_bytes(data: Any) -> bytes:
    if isinstance(data, bytes):
        return data
    try:
        return bytes(memoryview(data))
    except TypeError:
        raise Error(
            f"a saved tally is bytes, not a {type(data).__name__}"
            + ("; of rows pass those, [row[0] for row in rows]" if isinstance(data, (tuple, dict)) else ""),
            column="tally",
        ) from None


# ---- keys --------------------------------------------------------------------------------------

_DAY_ZERO = 719163  # date(1970, 1, 1).toordinal()


def key_value(key: Any) -> Any:
    """struct cxm_key as a Python value."""
    if key.missing:
        return None
    kind = key.type
    if kind in (4, 6):
        found = string_at(key.text, key.text_bytes)
        try:
            return found.decode()
        except UnicodeDecodeError:  # bytes that are no text stay apart from one another
            return found
    if kind == 0:
        return key.integer
    if kind == 1:
        return key.integer & 0xFFFFFFFFFFFFFFFF
    if kind == 2:
        return key.real
    if kind == 3:
        return bool(key.integer)
    if kind == 5:
        return string_at(key.text, key.text_bytes)
    return time_value(kind, key.integer)


def time_value(kind: int, count: int) -> Any:
    """A date or a datetime; beyond Python's years the plain number."""
    from datetime import date, datetime, timedelta

    try:
        if kind == 7:
            return date.fromordinal(count + _DAY_ZERO)
        return datetime(1970, 1, 1) + timedelta(seconds=count)
    except (OverflowError, ValueError):
        return count


def key_columns(names: list[str], taken: Container[str] = ()) -> list[str]:
    """Names of the keys' columns beside those that are taken: without a name group, group_2 …; with
    an ending where a name is taken, also by a key before it; what it becomes is no other key."""
    columns = []
    for i, name in enumerate(names):
        column = name or ("group" if i == 0 else f"group_{i + 1}")
        while column in taken or column in (names[:i] if column == name else names):
            column += "_key"
        columns.append(column)
    return columns
