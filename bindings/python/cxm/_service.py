# SPDX-License-Identifier: GPL-3.0-or-later
"""Service operations: resolution, reopened and escalated tickets, complaints, contacts, backlog."""

from __future__ import annotations

from ctypes import addressof, byref, c_double, c_int64, c_uint8, pointer, sizeof
from numbers import Real

from ._add import filled, threads_of
from ._errors import Error, one_of
from ._fcr import keys_of, period_of
from ._handle import new_handle
from ._inputs import Call
from ._instants import instant, seconds
from ._library import (
    BacklogOptions, BreakdownOptions, ErrorStruct, StandardiseOptions, Tickets, check, lib,
)
from ._metrics import _run
from ._memory import I64, SENTINEL, U8, plain
from ._names import checked_level, interval_number
from ._registry import known
from ._report import read_report
from ._result import Result
from ._tally import Tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Union

    from ._report import Report

    Labels = Union[Mapping[str, Union[float, None]], None]
    Codes = Iterable[Union[float, str]]
    Names = Union[str, Iterable[str], None]


def resolution(
    opened: Any,
    resolved: Any,
    *,
    as_of: Any,
    period: Any = None,
    within: Any = None,
    data: Any = None,
    by: Any = None,
    level: float = 0.95,
    interval: str | None = None,
    invalid: str = "error",
    measures: Names = None,
    missing_key: str = "keep",
    threads: int | None = None,
) -> Result:
    """Resolved tickets: of those opened in ``period``, the share that is resolved as of ``as_of``.

    ``opened, resolved``  instants (a date is its midnight UTC); a ticket that is not resolved, or
                          later than as_of, counts as not resolved. Opened after as_of: ``unseen``;
                          resolved before it was opened: ``bad``
    ``period``            (start, end): tickets opened in [start, end); None: all
    ``within``            seconds, a timedelta or a text such as "2d": resolved within that time,
                          of the tickets that are old enough to know (others are ``pending``).
                          Without it young tickets depress the rate

    interval   Wilson
    measures   resolution; clearance, another number: resolved in the period / opened in it, two
               flows, which may exceed 1; successes, denominator, opened, resolved

    For the other arguments see :func:`cxm.nps`.

    >>> cxm.resolution([0, 10, 20], [5, None, 60], as_of=50).value
    0.3333333333333333
    """
    level = checked_level(level)
    for name, value, words in (("invalid", invalid, ("error", "count")),
                               ("missing_key", missing_key, ("keep", "leave_out"))):
        if value not in words:
            raise one_of(name, value, words)
    limit = 0 if within is None else seconds(within, "within")
    handle = new_handle(known("resolution"), {"within": limit})
    tickets = Tickets()
    tickets.size = sizeof(Tickets)
    tickets.as_of = instant(as_of, "as_of")
    tickets.period_start, tickets.period_end = period_of(period)
    tickets.invalid = int(invalid == "count")
    tickets.missing_key = int(missing_key == "leave_out")
    call = Call(data, None, ())
    try:
        _add_times(call, tickets, opened, resolved, by)
        tickets.threads = threads_of(threads, call.rows())
        error = ErrorStruct()
        with handle.lock:
            status = lib.cxm_tally_add_tickets(handle.pointer, byref(tickets), byref(error))
        check(status, error)
    finally:
        call.columns.clear()
    return Result(handle, level, interval, measures)


def _add_times(call: Call, struct: Any, opened: Any, resolved: Any, by: Any) -> None:
    """The columns of tickets; the struct points to the opening and the keys."""
    for name, value in (("opened", opened), ("resolved", resolved)):
        if value is None:
            raise Error(f"{name}= is needed", column=name)
        column = call.column(value, name)
        call.add(name.encode(), column)
        if isinstance(struct, Tickets):
            setattr(struct, name, pointer(column))
    keys = keys_of(call, by)
    struct.by = keys
    struct.n_by = len(keys) if keys is not None else 0
    call.inputs()  # the indexes of pandas agree


def reopen(
    reopens: Any,
    resolved: Any = None,
    *,
    data: Any = None,
    by: Any = None,
    labels: Labels = None,
    missing_codes: Codes = (),
    weight: Any = None,
    freq: Any = None,
    strata: Any = None,
    cluster: Any = None,
    fpc: Any = None,
    lonely: str = "error",
    level: float = 0.95,
    interval: str | None = None,
    invalid: str = "error",
    measures: Names = None,
    missing_key: str = "keep",
    threads: int | None = None,
) -> Result:
    """Reopened tickets: those with one reopening or more, of the tickets ever resolved.

    ``reopens``   how often each ticket was reopened
    ``resolved``  yes or no: was it ever resolved? None: all were. Others are excluded
                  (``not_in_denominator``)

    interval   Wilson; measures reopen, reopens_per_ticket (a mean, t), successes, denominator

    For the other arguments see :func:`cxm.nps`.

    >>> cxm.reopen([0, 1, 2, 0], resolved=[1, 1, 1, 0]).value
    0.6666666666666666
    """
    return _run(
        "reopen", {"reopens": reopens, "resolved": resolved}, {},
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )


def escalation(
    escalated: Any,
    *,
    data: Any = None,
    by: Any = None,
    labels: Labels = None,
    missing_codes: Codes = (),
    weight: Any = None,
    freq: Any = None,
    strata: Any = None,
    cluster: Any = None,
    fpc: Any = None,
    lonely: str = "error",
    level: float = 0.95,
    interval: str | None = None,
    invalid: str = "error",
    measures: Names = None,
    missing_key: str = "keep",
    threads: int | None = None,
) -> Result:
    """Escalated tickets: the share of the opened tickets that went to a higher level.

    ``escalated``  yes or no: bool, 0 / 1, or texts with labels=

    interval   Wilson; measures escalation, successes, denominator

    For the other arguments see :func:`cxm.nps`.

    >>> cxm.escalation([0, 1, 0, 0]).value
    0.25
    """
    return _run(
        "escalation", {"escalated": escalated}, {},
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )


def complaints(
    complaints: Any,
    customers: Any = None,
    *,
    data: Any = None,
    by: Any = None,
    labels: Labels = None,
    missing_codes: Codes = (),
    weight: Any = None,
    freq: Any = None,
    strata: Any = None,
    cluster: Any = None,
    fpc: Any = None,
    lonely: str = "error",
    level: float = 0.95,
    interval: str | None = None,
    invalid: str = "error",
    measures: Names = None,
    missing_key: str = "keep",
    threads: int | None = None,
) -> Result:
    """Complaints per 1 000 customers: 1000 * complaints / customers.

    ``complaints``  how many; a row is a customer, or with ``customers`` any number of them
    ``customers``   customers at risk of the row. Both may be single numbers

    std_error  1000 sqrt(complaints) / customers, as of a Poisson count
    interval   exact Poisson limits (Garwood 1936); "t" takes the spread between rows instead
    measures   complaints; complainers, a share: customers with a complaint (rows of one customer
               only); number, customers

    For the other arguments see :func:`cxm.nps`.

    >>> r = cxm.complaints(complaints=17, customers=8450)
    >>> round(r.value, 6), [round(limit, 6) for limit in r.ci]
    (2.011834, [1.171968, 3.221142])
    """
    return _run(
        "complaints", {"complaints": _rows(complaints), "customers": _rows(customers)}, {},
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )


def _rows(value: Any) -> Any:
    """A single number is a column of one row."""
    return [value] if isinstance(value, Real) else value


class ContactRate(Result):
    """A :class:`Result`, and how many contacts of the log were of nobody on the list."""

    __slots__ = ("_unlinked",)

    _unlinked: int

    @property
    def unlinked(self) -> int:
        """Contacts without a customer, or of a customer who is not among the active ones."""
        return self._unlinked


def contact_rate(
    contacts: Any = None,
    customers: Any = None,
    *,
    customer: Any = None,
    active: Any = None,
    data: Any = None,
    by: Any = None,
    labels: Labels = None,
    missing_codes: Codes = (),
    weight: Any = None,
    freq: Any = None,
    strata: Any = None,
    cluster: Any = None,
    fpc: Any = None,
    lonely: str = "error",
    level: float = 0.95,
    interval: str | None = None,
    invalid: str = "error",
    measures: Names = None,
    missing_key: str = "keep",
    threads: int | None = None,
) -> Result:
    """Contacts per active customer: contacts / customers.

    Give one of two things:

    counts  ``contacts``: how many; a row is a customer (those with 0 contacts too), or with
            ``customers`` (active customers of the row) any number of them. Both may be single
            numbers
    a log   ``customer``: whose each contact was, a row a contact; ``active``: the ids of the
            active customers, each once. ``by`` and the other columns stand beside ``active``.
            The result has ``unlinked``, the contacts of nobody on the list

    std_error  contacts cluster by customer: sd / sqrt(n) of the customers' numbers
    interval   t; "garwood" (exact Poisson) only where the variance is about the mean
    measures   contact_rate; contacting, the share of customers with a contact (rows of one
               customer only); number, customers

    For the other arguments see :func:`cxm.nps`.

    >>> cxm.contact_rate([0, 2, 1, 0]).value
    0.75
    >>> cxm.contact_rate(customer=["b", "c", "b"], active=["a", "b", "c", "d"]).value
    0.75
    """
    unlinked = None
    if customer is not None or active is not None:
        if contacts is not None or customers is not None:
            raise Error("give contacts= and customers=, or customer= and active=",
                        column="contacts")
        contacts, unlinked = _counted(customer, active, data)
    elif contacts is None:
        raise Error("contact_rate needs contacts=, or customer= and active=", column="contacts")
    result = _run(
        "contact_rate", {"contacts": _rows(contacts), "customers": _rows(customers)}, {},
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )
    if unlinked is None:
        return result
    rate = result._view(kind=ContactRate)
    assert isinstance(rate, ContactRate)
    rate._unlinked = unlinked
    return rate


def _counted(customer: Any, active: Any, data: Any) -> tuple[Any, int]:
    """Contacts of every active customer, as a column."""
    if customer is None or active is None:
        missing = "customer" if customer is None else "active"
        raise Error(f"contact_rate needs {missing}= too", column=missing)
    if isinstance(customer, str):
        raise Error("customer= is the column of the log itself: data= has the active customers",
                    column="customer")
    ids = Call(None, None, ()).column(customer, "customer", key=True)
    listed = Call(data, None, ()).column(active, "active", key=True)
    store, unlinked, error = (c_int64 * max(int(listed.n), 1))(), c_int64(), ErrorStruct()
    check(lib.cxm_contact_counts(byref(ids), byref(listed), store, byref(unlinked), None,
                                 byref(error)), error)
    column = plain(I64, addressof(store), int(listed.n), 8, store)
    column.sentinel, column.flags = -(1 << 63), SENTINEL
    column.index = listed.index
    return column, unlinked.value


def backlog(
    opened: Any,
    resolved: Any,
    *,
    at: Any = None,
    period: Any = None,
    as_of: Any = None,
    data: Any = None,
    by: Any = None,
    invalid: str = "error",
) -> Report:
    """The backlog: tickets opened at or before an instant and not resolved then.

    ``at``      instants (a date is its midnight UTC): a row for each, axis ``time``
    ``period``  (start, end): the backlog at both ends, ``backlog_average`` over the time between
                (Little 1961), and the flows ``opened`` and ``resolved`` in (start, end], so that
                backlog(end) = backlog(start) + opened - resolved
    ``as_of``   what was known then: later openings and resolutions are not; None: everything

    >>> [row.value for row in cxm.backlog([0, 10, 20], [15, None, 30], at=[0, 12, 25])]
    [1.0, 2.0, 2.0]
    """
    if invalid not in ("error", "count"):
        raise one_of("invalid", invalid, ("error", "count"))
    options = BacklogOptions()
    options.size = sizeof(BacklogOptions)
    times = [] if at is None else [instant(t, "at") for t in _several(at)]
    held = (c_int64 * max(len(times), 1))(*times)
    options.at, options.n_at = held, len(times)
    options.period_start, options.period_end = period_of(period)
    if as_of is not None:
        options.as_of, options.has_as_of = instant(as_of, "as_of"), 1
    options.invalid = int(invalid == "count")
    call = Call(data, None, ())
    try:
        _add_times(call, options, opened, resolved, by)
        first, second = call.columns[:2]
        return read_report(lambda out, error: lib.cxm_backlog(
            byref(first), byref(second), byref(options), out, error))
    finally:
        call.columns.clear()


def _several(at: Any) -> Any:
    """A list of instants, also of a single one."""
    return at if hasattr(at, "__iter__") and not isinstance(at, str) else [at]


def breakdown(
    by: Any,
    *,
    within: Any = None,
    order: str = "count",
    data: Any = None,
    labels: Labels = None,
    missing_codes: Codes = (),
    freq: Any = None,
    level: float = 0.95,
    interval: str | None = None,
    missing_key: str = "keep",
    threads: int | None = None,
) -> Report:
    """Shares of channels, categories or causes in the rows (渠道构成、帕累托分析): contacts by
    channel, complaints by what they are about.

    ``by``      the column, or several; or a grouped result or tally, whose groups are counted
    ``within``  a column or calendar key within whose values the shares add up: channels by month.
                Of a result: how many of its first keys
    ``order``   "count": the largest first (Pareto); "key": in the order of the keys

    Measure ``share``: rows of the group / rows of all, Wilson limits; the axes ``count``, ``rank``
    and ``cumulative``, the share of the groups so far. All rows count, whatever their answers.

    For the other arguments see :func:`cxm.nps`. Juran 1951.

    >>> r = cxm.breakdown(["chat", "mail", "chat", "phone", "chat"])
    >>> [(row.group, row.count, row.cumulative) for row in r]
    [('chat', 3, 0.6), ('mail', 1, 0.8), ('phone', 1, 1.0)]
    """
    options = BreakdownOptions()
    options.size = sizeof(BreakdownOptions)
    options.level = checked_level(level)
    options.interval = 0 if interval is None else interval_number(interval)
    if order not in ("count", "key"):
        raise one_of("order", order, ("count", "key"))
    options.order = int(order == "key")
    if isinstance(by, (Result, Tally)):
        options.n_within = 0 if within is None else within
        handle = by._ready() if isinstance(by, Tally) else by._counts()
    else:
        call = Call(data, labels, missing_codes)
        try:
            before = 0
            if within is not None:
                call.add_by(within)
                before = len(call.columns)
            call.add_by(by)
            options.n_within = before
            one = (c_uint8 * 1)(1)
            call.add(b"numerator", plain(U8, addressof(one), call.rows(), 0, one))
            if freq is not None:
                call.add(b"freq", call.column(freq, "freq"))
            call._check_indexes()
            handle = filled(known("share"), {}, call, [], "error", missing_key, threads)
        finally:
            call.columns.clear()
    with handle.lock:
        return read_report(lambda out, error: lib.cxm_breakdown(
            handle.pointer, byref(options), out, error))


def _share_of(key: Any, share: Any) -> float:
    try:
        return float(share)
    except (TypeError, ValueError):
        raise Error(f"shares: the share of {key!r} must be a number, not {share!r}",
                    column="shares", value=str(share)) from None


def standardise(
    result: Result | Tally, shares: Mapping[Any, float], *, measure: str | None = None,
    level: float = 0.95,
) -> Report:
    """A rate with the groups in reference proportions: sum of share * rate of the group.

    Two months with another mix of channels compare only so: a rate can fall in total while it
    rises in every channel.

    ``result``   a grouped result, or its tally
    ``shares``   a mapping from each group to its reference share; they sum to 1
    ``measure``  the headline when left out

    The first row is the rate (measure "standardised", variance sum of share^2 times the group's,
    normal limits; under a sampling design with the covariances of the groups, t limits), the others
    are the groups, with the axes ``share`` (of the rows used) and ``reference``. A group with a share
    but without a number gives NaN and NO_DATA.

    >>> r = cxm.fcr([1, 0, 1, 1], by=["chat", "chat", "mail", "mail"])
    >>> cxm.standardise(r, {"chat": 0.2, "mail": 0.8}).value
    0.9
    """
    if not isinstance(result, (Result, Tally)):
        raise Error(f"result: a result or a tally is needed, not {type(result).__name__}",
                    column="result")
    handle = result._ready() if isinstance(result, Tally) else result._counts()
    groups = result.groups
    if not hasattr(shares, "keys"):
        raise Error(f"shares maps each group to its reference share; it is {shares!r}",
                    column="shares", value=str(shares))
    extra = [key for key in shares if key not in groups]
    if extra or len(shares) != len(groups):
        wrong = repr(extra[0]) if extra else repr(next(k for k in groups if k not in shares))
        what = "is no group of the result" if extra else "has no share"
        raise Error(f"shares: {wrong} {what}; there are {', '.join(map(repr, groups))}",
                    column="shares", value=wrong)
    weights = (c_double * max(len(groups), 1))(*(_share_of(key, shares[key]) for key in groups))
    options = StandardiseOptions()
    options.size = sizeof(StandardiseOptions)
    options.level = checked_level(level)
    options.measure = None if measure is None else str(measure).encode()
    with handle.lock:
        return read_report(lambda out, error: lib.cxm_standardise(
            handle.pointer, weights, len(groups), byref(options), out, error))
