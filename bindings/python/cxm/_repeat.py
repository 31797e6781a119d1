# SPDX-License-Identifier: GPL-3.0-or-later
"""Repeat purchase: orders become customers with their numbers of orders, then rows of a tally."""

from __future__ import annotations

from ctypes import addressof, byref, c_int64, c_uint8, sizeof

from ._add import filled
from ._calendar import _seconds
from ._errors import Error
from ._inputs import Call
from ._instants import instant
from ._library import Column, ErrorStruct, RepeatOptions, check, lib
from ._memory import I64, NO_TIME, SENTINEL, S, U8, plain
from ._names import checked_level
from ._registry import known
from ._result import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MISSING = -(1 << 63)


def repeat_purchase(
    customer: Any,
    time: Any,
    *,
    start: Any,
    end: Any,
    before: Any = None,
    order: Any = None,
    days: bool = False,
    utc_offset: Any = 0,
    data: Any = None,
    by: Any = None,
    level: float = 0.95,
    interval: str | None = None,
    invalid: str = "error",
    measures: Any = None,
    missing_key: str = "keep",
    threads: int | None = None,
) -> Result:
    """Repeat purchase (复购率) of customers who bought in the window [start, end).

    repeat_purchase  customers with two orders or more / with one or more
    returning_share  of those who bought in the window, the share who had bought before
    repurchase       of those who had bought before, the share who bought in the window

    ``customer, time``  one order (or line of an order) a row, all rows of a customer in one call
    ``before``          where "before" begins; None: at any time before ``start``
    ``order``           rows with the same id are one order; None: every row is an order
    ``days``            all orders of a customer and local day are one, as in the CDNOW data
    ``utc_offset``      where days begin (seconds east of UTC, "+08:00"), those of dates too: of
                        ``time``, and of the window

    Orders at or after ``end`` are not seen. Wilson intervals; also successes, denominator. Of a
    customer with orders in two groups each group counts its own.

    >>> cxm.repeat_purchase(["a", "a", "b"], [1, 5, 2], start=0, end=31).value
    0.5
    """
    for name, value in (("customer", customer), ("time", time), ("start", start), ("end", end)):
        if value is None:
            raise Error(f"repeat_purchase needs {name}=", column=name)
    level = checked_level(level)
    metric = known("repeat_purchase")
    call, rows = Call(data, None, ()), Call(None, None, ())
    try:
        options = RepeatOptions()
        options.size = sizeof(RepeatOptions)
        options.utc_offset = clock = _seconds(utc_offset)
        options.start, options.end = instant(start, "start", clock), instant(end, "end", clock)
        if before is not None:
            options.before, options.has_before = instant(before, "before", clock), 1
        options.days = int(bool(days))
        options.invalid = int(invalid == "count")
        c = call.column(customer, "customer", key=True)
        t = call.column(time, "time", key=True)
        c.name, t.name = c.name or b"customer", t.name or b"time"
        if t.time_unit == NO_TIME:
            t.time_unit = S
        call.add(b"customer", c)
        call.add(b"time", t)
        if order is not None:
            call.add(b"order", call.column(order, "order", key=True))
            options.order = addressof(call.columns[-1])
        at = len(call.columns)
        if by is not None:
            call.add_by(by)
        call.inputs()  # refuses columns of different indexes
        keys = call.columns[at:]
        array = (Column * max(len(keys), 1))(*keys)
        options.by, options.n_by = (addressof(array) if keys else None), len(keys)
        n = int(t.n)
        orders, earlier = (c_int64 * max(n, 1))(), (c_int64 * max(n, 1))()
        copies = (c_uint8 * max(n, 1))()
        error = ErrorStruct()
        check(lib.cxm_repeat_rows(byref(c), byref(t), byref(options), orders, earlier, copies,
                                  None, byref(error)), error)
        for role, store in ((b"orders", orders), (b"before", earlier)):
            column = plain(I64, addressof(store), n, 8, store)
            column.sentinel, column.flags, column.name = _MISSING, SENTINEL, role
            rows.add(role, column)
        for column in keys:
            rows.add(b"by", column)
        rows.add(b"freq", plain(U8, addressof(copies), n, 1, copies))
        counting = "ids" if order is not None else "days" if days else "rows"
        handle = filled(metric, {"counting": counting}, rows, [], invalid, missing_key, threads)
    finally:
        call.columns.clear()
        rows.columns.clear()
    return Result(handle, level, interval, measures)
