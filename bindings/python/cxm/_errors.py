# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of the package."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class Error(ValueError):
    """A call that could not be answered; nothing was changed by it.

    The message says what is wrong and what to do. Programs read the attributes:

    ``status``  name of the reason, such as ``"EDATA"`` (a value) or ``"EINVAL"`` (an argument)
    ``column``  the column or argument that is meant, or None
    ``row``     the lowest offending row, counted from 0, or None
    ``value``   the offending value as text, or None
    """

    __module__ = "cxm"  # how tracebacks name it: cxm.Error

    status: str
    column: str | None
    row: int | None
    value: str | None

    def __init__(
        self,
        message: str,
        *,
        status: str = "EINVAL",
        column: str | None = None,
        row: int | None = None,
        value: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.column = column
        self.row = row
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (str(self), self.status, self.column, self.row, self.value)


def _rebuild(
    message: str, status: str, column: str | None, row: int | None, value: str | None
) -> Error:
    return Error(message, status=status, column=column, row=row, value=value)


def one_of(name: str, value: object, choices: tuple[str, ...]) -> Error:
    """The error for an argument that is none of a few words."""
    known = " or ".join(repr(c) for c in choices)
    return Error(f"{name} must be {known}, not {value!r}", column=name, value=str(value))


def closest(name: str, names: Iterable[str]) -> str | None:
    """The name that was most likely meant, whatever its capitals; None where none is near."""
    from difflib import get_close_matches

    folded = {known.casefold(): known for known in names}
    close = get_close_matches(name.casefold(), folded, 1)
    return folded[close[0]] if close else None
