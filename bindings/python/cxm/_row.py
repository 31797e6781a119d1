# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows that iterating over a result gives. Loaded only when somebody iterates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._result import Result


@dataclass(frozen=True)
class Row:
    """One measure of one group. The key columns are in ``keys`` and can be read as attributes
    too: ``row.region``."""

    group: Any
    metric: str
    measure: str
    value: float
    std_error: float
    lower: float
    upper: float
    level: float
    interval: str
    n: int
    missing: int
    invalid: int
    excluded: int
    sum_weight: float
    n_eff: float
    unit: str
    base: str
    definition: str
    flags: tuple[str, ...]
    keys: dict[str, Any] = field(default_factory=dict, hash=False)

    def __getattr__(self, name: str) -> Any:
        if name != "keys" and name in self.__dict__.get("keys", ()):
            return self.keys[name]
        raise AttributeError(f"a row has no {name!r}")


def make_rows(result: Result) -> list[Row]:
    """All rows of a result."""
    table = result.to_dict()
    names = list(result._key_columns())
    each = [table.pop(n) if n != "group" else table["group"] for n in names]
    keys = list(zip(*each)) if names else [()] * len(result)
    make: Any = Row
    return [make(*v, dict(zip(names, k))) for v, k in zip(zip(*table.values()), keys)]
