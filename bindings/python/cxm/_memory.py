# SPDX-License-Identifier: GPL-3.0-or-later
"""Views of memory: the codes of struct cxm_column, and columns over buffers."""

from __future__ import annotations

import ctypes
import sys
from ctypes import POINTER, PYFUNCTYPE, Structure, byref, c_char_p, c_int, c_ssize_t, c_void_p
from ctypes import py_object, pythonapi

from ._errors import Error
from ._library import Column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# enum cxm_type
NULL = 0
I8, I16, I32, I64, U8, U16, U32, U64, F32, F64 = range(1, 11)
BOOL, BITS, TEXT, UTF8, UTF8_LARGE, UTF8_VIEW, DECIMAL, STRINGS = range(11, 19)
# enum cxm_time_unit
NO_TIME, S, MS, US, NS, DAYS = range(6)
# enum cxm_column_flags
ORDERED, ZONED, DURATION, SENTINEL, HAS_OFFSET, MASKED_IN = 1, 2, 4, 8, 16, 32

NAT = -(2**63)
LITTLE = sys.byteorder == "little"

#: Kind and bytes of a number -> its type.
NUMBERS: dict[tuple[str, int], int] = {
    ("i", 1): I8, ("i", 2): I16, ("i", 4): I32, ("i", 8): I64,
    ("u", 1): U8, ("u", 2): U16, ("u", 4): U32, ("u", 8): U64,
    ("f", 4): F32, ("f", 8): F64, ("b", 1): BOOL,
}


def plain(
    kind: int, data: int | None, n: int, stride: int, keep: Any = None, mask: bytes | None = None
) -> Column:
    """A column over memory that ``keep`` owns; ``mask`` has one byte a row, 1 = missing."""
    column = Column()
    column.type = kind
    column.data = data
    column.n = n
    column.stride = stride
    column.keep = keep
    if mask is not None:
        column.mask = address(mask)
        column.mask_stride = 1
        column.holds = mask
    return column


def address(memory: bytes) -> int | None:
    """Where a bytes object lies."""
    return ctypes.cast(c_char_p(memory), c_void_p).value


# ---- the buffer protocol -----------------------------------------------------------------------


class _Buffer(Structure):
    """Py_buffer; the same in every CPython since 3.3."""

    _fields_ = [
        ("buf", c_void_p),
        ("obj", c_void_p),
        ("len", c_ssize_t),
        ("itemsize", c_ssize_t),
        ("readonly", c_int),
        ("ndim", c_int),
        ("format", c_char_p),
        ("shape", c_void_p),
        ("strides", c_void_p),
        ("suboffsets", c_void_p),
        ("internal", c_void_p),
    ]


_FULL_RO = 0x0004 | 0x0008 | 0x0010 | 0x0100  # format, shape, strides, suboffsets; read only
# Own prototypes: changing those of ctypes.pythonapi would change them for everybody.
_get_buffer = PYFUNCTYPE(c_int, py_object, POINTER(_Buffer), c_int)(
    ("PyObject_GetBuffer", pythonapi)
)
_release_buffer = PYFUNCTYPE(None, POINTER(_Buffer))(("PyBuffer_Release", pythonapi))

_KINDS = {
    **dict.fromkeys("bhilqn", "i"), **dict.fromkeys("BHILQN", "u"), "f": "f", "d": "f", "?": "b"
}
_FOREIGN = ">!" if LITTLE else "<"


def _start(view: memoryview) -> int | None:
    """Address of the first element. The view, not this call, keeps the memory."""
    buffer = _Buffer()
    _get_buffer(view, byref(buffer), _FULL_RO)
    try:
        start: int | None = buffer.buf
        return start
    finally:
        _release_buffer(byref(buffer))


def from_array(values: Any, what: str) -> Column:
    """array.array. The view forbids resizing while the column is in use."""
    kind = _KINDS.get(values.typecode)
    if kind is None:
        raise Error(
            f"{what}: arrays of characters are not columns; pass a list of texts", column=what
        )
    data, n = values.buffer_info()
    size = values.itemsize
    return plain(NUMBERS[kind, size], data, n, size, memoryview(values))


def from_buffer(view: memoryview, what: str) -> Column:
    """A view of bytes, memoryview, ctypes arrays, mmap … which also keeps them."""
    if view.ndim != 1:
        raise wrong_shape(view.shape or (), what)
    if view.suboffsets:
        raise Error(f"{what}: buffers of pointers (suboffsets) are not columns", column=what)
    form, size = view.format, view.itemsize
    code = form.lstrip("@=<>!")
    kind = _KINDS.get(code)
    if kind is None or (kind, size) not in NUMBERS:
        return _odd_buffer(view, code, what)
    if form[0] in _FOREIGN and size > 1:
        raise Error(
            f"{what}: the numbers (format {form!r}) are in another byte order than this "
            "machine's; convert them first",
            column=what,
        )
    return plain(NUMBERS[kind, size], _start(view), len(view), _stride(view), view)


def _stride(view: memoryview) -> int:
    return view.strides[0] if view.strides else view.itemsize


def _odd_buffer(view: memoryview, code: str, what: str) -> Column:
    if code.rstrip("0123456789c") == "" or code.lstrip("0123456789") == "s":
        column = plain(TEXT, _start(view), len(view), _stride(view), view)
        column.width = view.itemsize
        return column
    raise Error(f"{what}: buffers of format {view.format!r} are not columns", column=what)


def wrong_shape(shape: tuple[int, ...], what: str) -> Error:
    """The error for arrays that have not exactly one dimension."""
    if not shape:
        return Error(f"{what}: is a single number (0-d array); a column has rows", column=what)
    size = " x ".join(map(str, shape))
    return Error(
        f"{what}: has {len(shape)} dimensions ({size}); pass one column, such as {what}[:, 0]",
        column=what,
    )
