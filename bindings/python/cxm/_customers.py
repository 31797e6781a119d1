# SPDX-License-Identifier: GPL-3.0-or-later
"""Customers from their records: histories, stages of the life cycle, RFM scores."""

from __future__ import annotations

from array import array
from ctypes import addressof, byref, c_double, c_size_t, c_uint8, c_uint32, sizeof
from struct import iter_unpack

from ._add import filled
from ._calendar import _seconds as offset_seconds
from ._errors import Error
from ._handle import Handle
from ._inputs import Call
from ._instants import instant, seconds, take_states
from ._library import ErrorStruct, History, HistoryBase, HistoryOptions, check, lib
from ._lifetime import columns_of, need
from ._names import checked_level, flag_names
from ._registry import known
from ._report import Report, read_report
from ._result import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FIELDS = tuple(field[0] for field in History._fields_)


class Histories:
    """What the records of each customer say, up to as_of: one entry a customer, in the order of
    ``row``, the customer's latest record. ``first`` and ``last`` are seconds since 1970 UTC."""

    __slots__ = (*_FIELDS, "rows", "used", "missing", "unlinked", "unseen", "flags")

    row: array[int]
    first: array[int]
    last: array[int]
    orders: array[int]
    amount: array[float]
    frequency: array[float]
    recency: array[float]
    age: array[float]
    idle: array[float]
    value: array[float]
    rows: int
    used: int
    missing: int
    unlinked: int
    unseen: int
    flags: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.row)

    def to_dict(self) -> dict[str, list[Any]]:
        """The histories as lists by column."""
        return {name: list(getattr(self, name)) for name in _FIELDS}

    def to_pandas(self) -> Any:
        """The histories as a pandas DataFrame."""
        from importlib import import_module

        return import_module("pandas").DataFrame(self.to_dict())

    def __repr__(self) -> str:
        return (
            f"<histories of {len(self)} customers: {self.rows} rows = {self.used} used + "
            f"{self.missing} missing + {self.unlinked} unlinked + {self.unseen} unseen>"
        )


def histories(
    customer: Any, time: Any, *, as_of: Any, amount: Any = None, unit: Any = "7d",
    days: bool = True, utc_offset: Any = 0, data: Any = None,
) -> Histories:
    """First, last, number and amount of every customer's orders, up to ``as_of``.

    ``frequency`` repeat orders, ``recency`` last - first, ``age`` as_of - first, ``idle`` as_of -
    last in ``unit`` (a week); ``value`` the mean amount of the repeat orders: what bg_nbd,
    gamma_gamma and rfm take. The orders of a day are one; ``days=False``: those of an instant.
    Records after as_of are unseen; all records of a customer must be in one call, in any order.
    Days, dates and an as_of that is a date begin by ``utc_offset`` (seconds east of UTC, "+08:00").
    """
    need("histories", customer=customer, time=time, as_of=as_of)
    c, t, a = columns_of(data, {"customer": customer, "time": time, "amount": amount},
                         ("customer", "time"))
    options = HistoryOptions()
    options.size = sizeof(HistoryOptions)
    options.utc_offset = offset_seconds(utc_offset)
    options.as_of = instant(as_of, "as_of", options.utc_offset)
    options.has_as_of = 1
    options.unit = seconds(unit, "unit")
    options.days = int(bool(days))
    options.amount = None if a is None else addressof(a)
    n, base, error = c_size_t(), HistoryBase(), ErrorStruct()
    store = (History * max(int(c.n), 1))()
    check(lib.cxm_customer_histories(
        byref(c), byref(t), byref(options), store, sizeof(History), max(int(c.n), 1), byref(n),
        byref(base), byref(error)), error)
    found = Histories()
    used = memoryview(store).cast("B")[: n.value * sizeof(History)]
    columns = list(zip(*iter_unpack("@qqqqdddddd", used))) or [()] * len(_FIELDS)
    for name, values in zip(_FIELDS, columns):
        kind = "q" if name in ("row", "first", "last", "orders") else "d"
        setattr(found, name, array(kind, values))
    for name in ("rows", "used", "missing", "unlinked", "unseen"):
        setattr(found, name, getattr(base, name))
    found.flags = flag_names(base.flags)
    return found


def stages(
    customer: Any, time: Any, *, as_of: Any, new_days: float = 30, active_days: float = 60,
    dormant_days: float = 180, data: Any = None, by: Any = None, level: float = 0.95,
    interval: str | None = None, measures: Any = None, missing_key: str = "keep",
    threads: int | None = None,
) -> Result:
    """Customers by stage of the life cycle: new, active, dormant, lost (新 / 活跃 / 沉睡 / 流失客户).

    With age = as_of - first and idle = as_of - last record, limits closed: age <= new_days is new;
    else idle <= active_days active, <= dormant_days dormant, else lost. Shares of customers; a
    customer counts in the group of its latest record.
    """
    need("stages", customer=customer, time=time, as_of=as_of)
    level = checked_level(level)
    metric = known("stages")
    call = Call(data, None, ())
    c = call.column(customer, "customer", key=True)
    t = call.column(time, "time", key=True)
    for column, name in ((c, "customer"), (t, "time")):
        column.name = column.name or name.encode()
    call.columns += [c, t]
    days = (c_double * 3)(new_days, active_days, dormant_days)
    states, flags, error = (c_uint8 * max(int(c.n), 1))(), c_uint32(), ErrorStruct()
    check(lib.cxm_stage_states(
        byref(c), byref(t), instant(as_of, "as_of"), days, states, byref(flags), byref(error)),
        error)
    take_states(call, b"stage", states, flags.value, int(c.n))
    if by is not None:
        call.add_by(by)
    params = {"new_days": new_days, "active_days": active_days, "dormant_days": dormant_days}
    handle: Handle = filled(metric, params, call, [], "error", missing_key, threads)
    return Result(handle, level, interval, measures)


class Scores(Report):
    """Customers by score: a report, and the scores of every row as bytes ``recency``,
    ``frequency``, ``monetary`` (0: a number was missing)."""

    __slots__ = ("recency", "frequency", "monetary")

    recency: bytes
    frequency: bytes
    monetary: bytes


def rfm(
    idle: Any = None, orders: Any = None, money: Any = None, *, customer: Any = None,
    time: Any = None, amount: Any = None, as_of: Any = None, days: bool = True,
    utc_offset: Any = 0, data: Any = None, level: float = 0.95,
) -> Scores:
    """Customers by recency, frequency and monetary value (RFM), scores 1 … 5.

    Give ``idle, orders, money`` (a customer a row: time since the last order, number of orders,
    what they brought), or ``customer, time, amount, as_of`` (an order a row).

    A score is 1 + floor(5 L / n), L the number of customers that are strictly worse: ties get the
    lowest score that they share, whatever the order. Rows of the report: a score triple each (keys
    ``r, f, m``) with its share of the customers and of the money.
    """
    level = checked_level(level)
    if customer is not None or time is not None:
        if idle is not None or orders is not None or money is not None:
            raise Error("give idle=, orders=, money=, or customer=, time=, amount=, as_of=",
                        column="idle")
        need("rfm", amount=amount)
        found = histories(customer, time, as_of=as_of, amount=amount, days=days,
                          utc_offset=utc_offset, data=data)
        idle, orders, money, data = found.idle, found.orders, found.amount, None
    need("rfm", idle=idle, orders=orders, money=money)
    i, o, m = columns_of(data, {"idle": idle, "orders": orders, "money": money})
    report = read_report(lambda out, error: lib.cxm_rfm(
        byref(i), byref(o), byref(m), level, out, error))
    made, error = (c_uint8 * max(3 * int(i.n), 1))(), ErrorStruct()
    check(lib.cxm_rfm_scores(byref(i), byref(o), byref(m), made, byref(error)), error)
    scores = Scores(report._store)
    raw = bytes(made)[: 3 * int(i.n)]
    scores.recency, scores.frequency, scores.monetary = raw[0::3], raw[1::3], raw[2::3]
    return scores
