# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows that iterating over a result gives. Loaded only when somebody iterates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._shared import Rows


@dataclass(frozen=True)
class Row:
    """One measure of one group. The key columns are in ``keys``, the axis columns of a report in
    ``axes``; both can be read as attributes too: ``row.region``, ``row.p_value``."""

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
    axes: dict[str, Any] = field(default_factory=dict, hash=False)

    def __getattr__(self, name: str) -> Any:
        for columns in ("keys", "axes"):
            if name in self.__dict__.get(columns, ()):
                return self.__dict__[columns][name]
        raise AttributeError(f"a row has no {name!r}")


def make_rows(result: Rows) -> list[Row]:
    """All rows of a result or report."""
    from ._shared import SCHEMA

    table = result.to_dict()
    columns = result._key_columns()  # of the table, "group" has all keys together
    names = list(columns)
    axes = list(result._axis_columns())
    size = len(table["group"])
    keys = _across(list(columns.values()), size)
    places = _across([table[name] for name in axes], size)
    make: Any = Row
    fixed = zip(table["group"], *(table[name] for name in SCHEMA))
    return [
        make(*v, dict(zip(names, k)), dict(zip(axes, a))) for v, k, a in zip(fixed, keys, places)
    ]


def _across(columns: list[list[Any]], size: int) -> list[tuple[Any, ...]]:
    return list(zip(*columns)) if columns else [()] * size
