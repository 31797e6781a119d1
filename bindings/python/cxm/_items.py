# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics with one column per item: names of items, and parameters that speak of them."""

from __future__ import annotations

from ._arrow import import_arrow, is_arrow
from ._errors import Error, closest
from ._frames import frame_of, is_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Items:
    """The columns of one input, in order. ``named`` says where the names come from: "keys" of a
    mapping, "columns" of a table or of data=, or "places" (item1 …)."""

    __slots__ = ("names", "columns", "named")

    def __init__(self, names: list[str], columns: list[Any], named: str) -> None:
        self.names = names
        self.columns = columns
        self.named = named


def items_of(value: Any, role: str) -> Items:
    """Understands ``items=``, ``perceived=``, ``expected=`` and ``importance=``."""
    if isinstance(value, dict) or (hasattr(value, "keys") and not is_frame(value)):
        names = list(value.keys())
        columns = [value[name] for name in names]
        return Items(_distinct(list(map(str, names)), role), columns, "keys")
    if is_frame(value):
        frame = frame_of(value)
        take = frame.take
        assert take is not None
        return Items(
            _distinct(list(map(str, frame.names)), role), [take(n) for n in frame.names],
            "columns",
        )
    if getattr(value, "ndim", 1) == 2:
        columns = [value[:, i] for i in range(value.shape[1])]
        return Items(_places(columns), columns, "places")
    if isinstance(value, (list, tuple)):
        return _from_list(list(value), role)
    if is_arrow(value):
        data = import_arrow(value, role)
        columns = [data.column(i, role) for i in range(len(data))]
        return Items(_distinct(data.names(), role), columns, "columns")
    raise _not_items(role)


def _places(columns: list[Any]) -> list[str]:
    return [f"item{i + 1}" for i in range(len(columns))]


def _from_list(columns: list[Any], role: str) -> Items:
    if not columns:
        raise Error(f"{role}: there are no items", column=role)
    if all(isinstance(c, str) for c in columns):
        return Items(_distinct(list(columns), role), columns, "columns")
    if any(c is None or isinstance(c, (int, float, str)) for c in columns):
        raise _not_items(role)
    return Items(_places(columns), columns, "places")


def _not_items(role: str) -> Error:
    return Error(
        f"{role} takes one column per item: a mapping of names to columns, a table, or a list of "
        "columns",
        column=role,
    )


def _distinct(names: list[str], role: str) -> list[str]:
    twice = next((n for i, n in enumerate(names) if n in names[:i]), None)
    if twice is not None:
        raise Error(f"{role}: item {twice!r} is given twice", column=role, value=twice)
    if not names:
        raise Error(f"{role}: there are no items", column=role)
    return names


def match(items: Items, first: Items, role: str, first_role: str) -> list[Any]:
    """The columns of a further input in the order of the first one's items.

    Equal names pair by name. Wholly different names (``s1 s2`` beside ``e1 e2``) pair by place,
    unless both are mappings, whose keys are the items' names. Anything between is an error."""
    if len(items.columns) != len(first.columns):
        raise Error(
            f"{role} has {len(items.columns)} items, {first_role} has {len(first.columns)}",
            column=role, status="EINVAL",
        )
    if set(items.names) == set(first.names):
        return [items.columns[items.names.index(n)] for n in first.names]
    both_mappings = items.named == first.named == "keys"
    shared = set(items.names) & set(first.names)
    if "places" not in (items.named, first.named) and (both_mappings or shared):
        odd = next(n for n in items.names if n not in first.names)
        raise Error(
            f"{role} has an item {odd!r} that {first_role} has not", column=role, value=odd
        )
    return items.columns


# ---- parameters that speak of items -------------------------------------------------------------


def weights_of(value: Any, names: list[str], param: str) -> list[Any]:
    """``item_weights`` and ``dimension_weights``: a list in order, or a mapping by name."""
    if not hasattr(value, "keys"):
        return _list(value, param)
    for name in value.keys():
        if name not in names:
            raise _unknown(param, str(name), names)
    missing = next((n for n in names if n not in value), None)
    if missing is not None:
        raise Error(f"{param} has no weight for {missing!r}", column=param, value=missing)
    return [value[n] for n in names]


def _list(value: Any, param: str) -> list[Any]:
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise Error(
            f"{param} is a list of numbers, or a mapping of names to numbers, not {value!r}",
            column=param,
        )
    return list(value)


def grouping(value: Any, names: list[str], param: str) -> tuple[list[str], list[float]]:
    """``dimension={"reliability": ["p5", "p6"]}`` -> names, and for every item its place."""
    if not hasattr(value, "items"):
        raise Error(
            f"{param} maps names to lists of items, such as {{\"reliability\": [\"p5\", "
            "\"p6\"]}",
            column=param,
        )
    places = [-1.0] * len(names)
    for index, (dimension, members) in enumerate(value.items()):
        for member in [members] if isinstance(members, str) else members:
            _place(places, names, str(member), index, param, str(dimension))
    return [str(d) for d in value], places


def _place(
    places: list[float], names: list[str], item: str, index: int, param: str, dimension: str
) -> None:
    if item not in names:
        raise _unknown(param, item, names)
    at = names.index(item)
    if places[at] >= 0:
        raise Error(
            f"{param}: item {item!r} is in two dimensions, {dimension!r} is the second",
            column=param, value=item,
        )
    places[at] = float(index)


def _unknown(param: str, item: str, names: list[str]) -> Error:
    close = closest(item, names)
    hint = f"did you mean {close!r}?" if close else f"items are {', '.join(names[:12])}"
    return Error(f"{param}: there is no item {item!r}; {hint}", column=param, value=item)
