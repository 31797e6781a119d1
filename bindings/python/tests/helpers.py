# SPDX-License-Identifier: GPL-3.0-or-later
"""What several test files need."""

from __future__ import annotations

import math
from typing import Any

import pytest

import cxm


def close(got: float, want: float, tolerance: float = 1e-10) -> bool:
    """Equal to the digits that the definitions print; NaN matches NaN."""
    if math.isnan(want):
        return math.isnan(got)
    return math.isclose(got, want, rel_tol=tolerance, abs_tol=6e-13)


def elements(values: Any, **options: Any) -> list[float | None]:
    """What the library reads in every row of a column of numbers: each row is a group."""
    count = options.pop("count", None)
    rows = list(range(len(values) if count is None else count))
    result = cxm.mean(values, by=rows, **options)
    return [None if r.missing else r.value for r in result]


def keys(values: Any) -> list[Any]:
    """The groups that a column of keys makes, in the library's order."""
    count = len(values.column if isinstance(values, cxm.CalendarKey) else values)
    return cxm.mean([1] * count, by=values).groups


def refused(message: str, call: Any, *args: Any, **options: Any) -> cxm.Error:
    """The error of a call, whose message must be this one."""
    with pytest.raises(cxm.Error) as caught:
        call(*args, **options)
    assert str(caught.value) == message
    return caught.value


def counts(*of: int, first: int = 0) -> list[int]:
    """Answers from their frequencies."""
    return [first + k for k, n in enumerate(of) for _ in range(n)]


#: The mini data set of the definitions: 12 respondents, 5 items, one digit a cell.
_MINI = {
    "S": "23211 34544 21112 43425 33323 44434 32323 43433 33434 33222 44534 55555",
    "I": "45534 55422 54342 34533 54334 54334 43333 53333 55443 53443 55333 54342",
    "E": "77656 57756 75655 56555 76766 56656 56546 75746 76766 76645 67767 56655",
    "P": "67566 57744 55466 45446 47474 54444 44435 65747 54564 44556 75666 66566",
}
DIMENSIONS = ["tangibles", "reliability", "responsiveness", "assurance", "empathy"]


def mini(block: str) -> dict[str, list[Any]]:
    """One block of the mini data set by item."""
    rows = _MINI[block].split()
    return {name: [int(row[i]) for row in rows] for i, name in enumerate(DIMENSIONS)}
