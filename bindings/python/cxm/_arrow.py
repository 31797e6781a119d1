# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrow objects of any library, read in place through the PyCapsule protocol.

A capsule is a box around a C struct. We look into it while the box is alive; the library moves
the stream out, reads it and keeps the chunks until the last column over them is gone.
"""

from __future__ import annotations

from ctypes import PYFUNCTYPE, byref, c_char_p, c_int, c_int64, c_uint8, c_void_p, py_object, pythonapi

from ._errors import Error
from ._library import Column, ErrorStruct, fail, lib, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_is_valid = PYFUNCTYPE(c_int, py_object, c_char_p)(("PyCapsule_IsValid", pythonapi))
_pointer = PYFUNCTYPE(c_void_p, py_object, c_char_p)(("PyCapsule_GetPointer", pythonapi))
_new_capsule = PYFUNCTYPE(py_object, c_void_p, c_char_p, c_void_p)(("PyCapsule_New", pythonapi))
_STREAM = b"arrow_array_stream"
#: The readers that were read, by id while they live: not all of them have a hash.
_readers: Any = None


class ArrowData:
    """Arrow memory on loan; given back when the last user is gone."""

    __slots__ = ("handle",)

    def __init__(self, handle: int | None) -> None:
        self.handle = handle

    def __del__(self, free: Any = lib.cxm_arrow_free) -> None:
        free(self.handle)

    def __len__(self) -> int:
        return int(lib.cxm_arrow_columns(self.handle))

    def names(self) -> list[str]:
        return [text(lib.cxm_arrow_name(self.handle, i)) for i in range(len(self))]

    def find(self, name: str) -> int:
        """Index of a column; -1 none, -2 several."""
        encoded = name.encode(errors="surrogatepass")  # that is no name of theirs
        return -1 if b"\0" in encoded else int(lib.cxm_arrow_find(self.handle, encoded))

    def column(self, index: int, what: str) -> Column:
        column, error = Column(), ErrorStruct()
        if lib.cxm_arrow_column(self.handle, index, byref(column), byref(error)):
            found = fail(error, what)
            raise Error(f"{what}: {found}", status=found.status, column=what)
        column.keep = self
        return column


def _inside(capsule: object, name: bytes, what: str) -> int | None:
    if not _is_valid(capsule, name):
        raise Error(
            f"{what}: the object did not hand over an {name.decode()} capsule", column=what
        )
    pointer: int | None = _pointer(capsule, name)
    return pointer


def is_arrow(value: Any) -> bool:
    return hasattr(value, "__arrow_c_stream__") or hasattr(value, "__arrow_c_array__")


def _refuse_read(reader: Any, what: str) -> None:
    """A reader has no rows the second time, and does not say so: no rows look like an empty table."""
    if _readers is not None and _readers.get(id(reader)) is reader:
        raise Error(
            f"{what}: this {type(reader).__name__} was read before and is empty now; make a new one, "
            "or pass table = reader.read_all() to all calls",
            column=what,
        )


def _remember(reader: Any) -> None:
    """One that cannot be watched is not: it may say itself that it was read."""
    global _readers
    if _readers is None:
        from weakref import WeakValueDictionary

        _readers = WeakValueDictionary()
    try:
        _readers[id(reader)] = reader
    except TypeError:
        pass


def import_arrow(value: Any, what: str) -> ArrowData:
    """Takes over what the object exports. Nothing is copied."""
    out, error = c_void_p(), ErrorStruct()
    if hasattr(value, "__arrow_c_stream__"):
        once = hasattr(value, "read_next_batch")
        if once:
            _refuse_read(value, what)
        capsule = value.__arrow_c_stream__()
        if once:
            _remember(value)
        stream = _inside(capsule, _STREAM, what)
        status = lib.cxm_arrow_from_stream(stream, None, byref(out), byref(error))
    else:
        boxes = value.__arrow_c_array__()
        schema = _inside(boxes[0], b"arrow_schema", what)
        chunk = _inside(boxes[1], b"arrow_array", what)
        status = lib.cxm_arrow_from_array(schema, chunk, None, byref(out), byref(error))
    if status:
        raise fail(error, what)
    return ArrowData(out.value)


def from_arrow(value: Any, what: str) -> Column:
    """One column: an array, a chunked array, a series."""
    data = import_arrow(value, what)
    if len(data) != 1:
        raise Error(
            f"{what}: is a table of {len(data)} columns; pass data=… and name the column",
            column=what,
        )
    return data.column(0, what)


def whole_numbers(column: Column) -> list[int | None]:
    """The values of a column of 64-bit integers, None where one is null."""
    n, skip = column.n, column.validity_offset
    store: Any = (c_int64 * n).from_address(column.data + 8 * column.offset) if n else b""
    values: list[int | None] = [*memoryview(store).cast("B").cast("q")]
    if column.validity:
        bits = (c_uint8 * ((skip + n + 7) // 8)).from_address(column.validity)
        for i, byte in enumerate(bits):
            for row in range(8 * i - skip, 8 * i - skip + 8) if byte != 255 else ():
                if 0 <= row < n and not byte >> (row + skip) % 8 & 1:
                    values[row] = None
    return values


def export_stream(fill: Any) -> Any:
    """A capsule around a new stream. ``fill(stream)`` writes the stream; it may raise."""
    stream = lib.cxm_arrow_stream_new()
    if not stream:
        raise MemoryError
    try:
        fill(stream)
        destructor = c_void_p.from_buffer(lib.cxm_arrow_capsule_destructor).value
        return _new_capsule(stream, _STREAM, destructor)
    except BaseException:
        lib.cxm_arrow_stream_free(stream)
        raise
