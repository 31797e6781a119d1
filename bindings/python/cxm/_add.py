# SPDX-License-Identifier: GPL-3.0-or-later
"""Adding rows to a tally: columns, options, lists of customers, counts of a period."""

from __future__ import annotations

import os
from ctypes import POINTER, addressof, byref, c_size_t, c_uint8, sizeof

from ._errors import Error, one_of
from ._handle import Handle, new_handle
from ._inputs import Call
from ._library import AddOptions, Column, ErrorStruct, PeriodCounts, check, lib
from ._memory import SENTINEL, U8, plain
from ._registry import GROUPING, NUMBERS, TEXTS, Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MANY_ROWS = 1_000_000
_MOST_THREADS = 2**31 - 1  # what the struct holds
PERIOD = ("n_start", "n_end", "n_new", "n_reactivated", "n_lost", "n_lost_new")
CUSTOMERS = ("customers_before", "customers_after")


def cpu_count() -> int:
    """The CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def refuse_design(strata: Any, cluster: Any, fpc: Any) -> None:
    """For metrics whose rows are made here, not those of the caller."""
    for name, value in (("strata", strata), ("cluster", cluster), ("fpc", fpc)):
        if value is not None:
            raise Error(f"{name}: this metric takes no sampling design", column=name,
                        status="EUNSUPPORTED")


def threads_of(threads: Any, rows: int) -> int:
    """The number of threads of a call."""
    if threads is None:
        return 1 if rows < _MANY_ROWS else cpu_count()
    number = threads.__index__() if hasattr(threads, "__index__") else 0
    if not 1 <= number:
        raise Error(f"threads must be 1 or more, not {threads!r}", column="threads")
    return int(min(number, _MOST_THREADS))


def add_options(invalid: str, missing_key: str, threads: int | None, rows: int) -> Any:
    """struct cxm_add_options, or NULL where everything is the default."""
    threads = threads_of(threads, rows)
    if invalid == "error" and missing_key == "keep" and threads == 1:
        return None
    if invalid not in ("error", "count"):
        raise one_of("invalid", invalid, ("error", "count"))
    if missing_key not in ("keep", "leave_out"):
        raise one_of("missing_key", missing_key, ("keep", "leave_out"))
    options = AddOptions()
    options.size = sizeof(AddOptions)
    options.invalid = int(invalid == "count")
    options.missing_key = int(missing_key == "leave_out")
    options.threads = threads
    return byref(options)


def add_call(
    handle: Handle, call: Call, invalid: str, missing_key: str, threads: int | None
) -> None:
    """Adds the rows of a call; on failure nothing was added. The columns are given back in any
    case: an exception that is kept must not keep them locked."""
    try:
        inputs, n = call.inputs()
        options = add_options(invalid, missing_key, threads, call.rows())
        error = ErrorStruct()
        with handle.lock:
            status = lib.cxm_tally_add(handle.pointer, inputs, n, options, byref(error))
        if status:
            check(status, error)
    finally:
        call.columns.clear()


def filled(
    metric: Known, params: dict[str, Any], call: Call, items: list[str], invalid: str,
    missing_key: str, threads: int | None,
) -> Handle:
    """A new tally of the rows of a call."""
    try:
        handle = new_handle(metric, item_params(metric, params, items))
    except BaseException:
        call.columns.clear()
        raise
    add_call(handle, call, invalid, missing_key, threads)
    return handle


def prepare(
    metric: Known, given: dict[str, Any], data: Any, labels: Any, missing_codes: Any, by: Any,
    weight: Any, freq: Any, design: tuple[Any, Any, Any] | None = None,
) -> tuple[Call, list[str]]:
    """The columns of a call, and the names of the items where the metric has items."""
    call = Call(data, labels, missing_codes)
    try:
        items = _answers(call, metric, given)
        if by is not None:
            call.add_by(by)
        if weight is not None:
            call.add_weight(weight)
        if freq is not None:
            call.add(b"freq", call.column(freq, "freq"))
        if design is not None:
            call.add_design(*design)
    except BaseException:
        call.columns.clear()
        raise
    return call, items


def _answers(call: Call, metric: Known, given: dict[str, Any]) -> list[str]:
    """The inputs of the metric; returns the names of its items."""
    required = _required(metric, given)
    if metric.has_many:
        return call.add_items(metric, required)
    for name, value in required.items():
        call.add_input(metric, name, value)
    return []


def _required(metric: Known, given: dict[str, Any]) -> dict[str, Any]:
    """The inputs that were given, in the order of the registry."""
    found = {}
    for name, (_, optional, _, _) in metric.inputs.items():
        value = given.get(name)
        if value is not None:
            found[name] = value
        elif not optional:
            raise Error(f"{metric.name} needs {name}=", column=name)
    return found


def match_customers(call: Call, before: Any, after: Any, metric: Known) -> None:
    """Two lists of ids -> one row per customer with two flags."""
    columns = [
        call.column(sorted(v, key=repr) if isinstance(v, (set, frozenset)) else v, name, key=True)
        for name, v in zip(CUSTOMERS, (before, after))
    ]
    for column, name in zip(columns, CUSTOMERS):
        column.name = column.name or name.encode()
    size, error = c_size_t(), ErrorStruct()
    first, second = byref(columns[0]), byref(columns[1])
    none = POINTER(c_uint8)()
    status = lib.cxm_match_customers(first, second, none, none, 0, byref(size), None, byref(error))
    check(status, error)
    n = size.value
    flags = [(c_uint8 * max(n, 1))() for _ in columns]
    status = lib.cxm_match_customers(
        first, second, flags[0], flags[1], n, byref(size), None, byref(error)
    )
    if n:
        check(status, error)
    for name, store in zip(("active_before", "active_after"), flags):
        call.add(metric.inputs[name][3], _flag_column(store, n))


def _flag_column(store: Any, n: int) -> Column:
    """0, 1, and 2 where an id was missing."""
    column = plain(U8, addressof(store), n, 1, store)
    column.sentinel = 2
    column.flags = SENTINEL
    return column


def add_period(handle: Handle, counts: dict[str, Any]) -> None:
    """One period from its counts."""
    period = PeriodCounts()
    period.size = sizeof(PeriodCounts)
    start, end, added, reactivated, lost, lost_new = (counts.get(name) for name in PERIOD)
    if start is None:
        raise Error("n_start is needed: the customers at the start of the period",
                    column="n_start")
    if end is None and lost is None:
        raise Error("n_end or n_lost is needed", column="n_end")
    period.start = _count("n_start", start)
    period.end = -1 if end is None else _count("n_end", end)
    period.added = _count("n_new", added or 0)
    period.reactivated = _count("n_reactivated", reactivated or 0)
    period.lost = -1 if lost is None else _count("n_lost", lost)
    period.lost_added = _count("n_lost_new", lost_new or 0)
    error = ErrorStruct()
    with handle.lock:
        check(lib.cxm_tally_add_period(handle.pointer, byref(period), byref(error)), error)


def _count(name: str, value: Any) -> int:
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):
        whole = -1
    if not 0 <= whole < 2**63 or whole != value:  # ctypes would cut off what does not fit
        raise Error(f"{name} must be a whole number, 0 or more, not {value!r}", column=name,
                    value=str(value))
    return whole


# ---- parameters and inputs that depend on one another --------------------------------------------


def item_params(metric: Known, params: dict[str, Any], items: list[str]) -> dict[str, Any]:
    """Parameters that speak of items, with names turned into places."""
    if not items:
        return params
    from ._items import grouping, weights_of

    done = dict(params, items=items)
    dimensions: list[str] = []
    for name, value in params.items():
        info = metric.params.get(name)
        if info is not None and info.kind == GROUPING:
            done[name] = grouping(value, items, name)
            dimensions = done[name][0]
    for name, value in params.items():
        info = metric.params.get(name)
        if info is not None and info.kind == NUMBERS:
            names = dimensions if name.startswith("dimension") else items
            done[name] = weights_of(value, names, name)
        elif info is not None and info.kind == TEXTS and name == "items":
            done[name] = list(items)
    return done


def customer_call(
    metric: Known, given: dict[str, Any], data: Any, by: Any, weight: Any, freq: Any
) -> Call:
    """Retention and churn from two lists of ids."""
    before, after = (given.get(name) for name in CUSTOMERS)
    if before is None or after is None:
        missing = CUSTOMERS[0] if before is None else CUSTOMERS[1]
        raise Error(f"{metric.name} needs {missing}= too", column=missing)
    extra = {"by": by, "weight": weight, "freq": freq, "reason": given.get("reason")}
    for name, value in extra.items():
        if value is not None:
            raise Error(
                f"{name}= needs rows, and lists of ids have none in common; pass active_before= "
                "and active_after= flags",
                column=name,
            )
    call = Call(data, None, ())
    match_customers(call, before, after, metric)
    return call
