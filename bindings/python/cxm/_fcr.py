# SPDX-License-Identifier: GPL-3.0-or-later
"""First-contact resolution by a repeat-contact window: columns of contacts into a tally."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import addressof, byref, c_uint8, pointer, sizeof

from ._add import threads_of
from ._errors import Error, one_of
from ._handle import Handle, new_handle
from ._inputs import Call
from ._instants import instant, seconds
from ._library import Column, Contacts, ErrorStruct, FcrWindowOptions, check, lib, text
from ._names import checked_level, interval_number
from ._registry import known
from ._report import read_report
from ._result import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Union

    from ._report import Report

    Names = Union[str, Iterable[str], None]

STATES = tuple(text(lib.cxm_contact_state_name(i)) for i in range(10))


class States(Sequence[str]):
    """The state of every contact, in the order of the rows: texts, such as ``"repeat"``.

    ``codes`` are the same as numbers 0 … 9, a memoryview of bytes (``numpy.asarray(s.codes)``),
    ``names`` what they stand for, and ``counts()`` how many there are of each."""

    __slots__ = ("codes",)

    names = STATES
    codes: memoryview

    def __init__(self, codes: memoryview) -> None:
        self.codes = codes

    def __len__(self) -> int:
        return len(self.codes)

    def __reduce__(self) -> tuple[Any, ...]:
        return _states, (bytes(self.codes),)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [STATES[code] for code in self.codes[at]]
        return STATES[self.codes[at]]

    def __iter__(self) -> Iterator[str]:
        return (STATES[code] for code in self.codes)

    def counts(self) -> dict[str, int]:
        """Rows by state; all states are there."""
        held = bytes(self.codes)
        return {name: held.count(code) for code, name in enumerate(STATES)}

    def __repr__(self) -> str:
        some = {name: n for name, n in self.counts().items() if n}
        return f"<cxm.States of {len(self)} contacts: {some}>"


def _states(codes: bytes) -> States:
    return States(memoryview(codes))


class ContactResult(Result):
    """A :class:`Result` with the states of the contacts, where they were asked for."""

    __slots__ = ("_states",)

    _states: States | None

    @property
    def states(self) -> States:
        """The state of every contact in the order of the rows; see :class:`States`."""
        if self._states is None:
            raise Error("the states were not kept; pass states=True", column="states")
        return self._states


def fcr_window(
    customer: Any,
    opened: Any,
    resolved: Any = None,
    category: Any = None,
    *,
    as_of: Any,
    window: Any = "7d",
    anchor: str = "resolved",
    right: str = "closed",
    after_only: bool = False,
    missing_category: str = "unlinked",
    denominator: str = "mature",
    lookback: Any = None,
    period: Any = None,
    states: bool = False,
    data: Any = None,
    by: Any = None,
    level: float = 0.95,
    interval: str | None = None,
    invalid: str = "error",
    measures: Names = None,
    missing_key: str = "keep",
    threads: int | None = None,
) -> ContactResult:
    """First-contact resolution by repeat contacts: the share of contacts after which the customer
    did not come back within ``window``.

    ``customer``   whose contact it is; any key. Contacts without one are excluded (``unlinked``)
    ``opened``     when it was opened, ``resolved`` when it was resolved: instants (datetimes, or
                   whole seconds since 1970 UTC; a date, also as ``as_of`` and ``period``, is its
                   midnight UTC). Not resolved, or after as_of: ``open``; resolved before it was
                   opened: ``bad``
    ``category``   given: only contacts of the same customer and category are repeats
    ``as_of``      what was known then. Later openings are ``unseen``
    ``window``     seconds, a timedelta, or a text such as "7d", "24h"
    ``anchor``     "resolved": the window starts at the resolution, and a contact made while the
                   first is open is a repeat (``after_only=True``: it is not); "opened"
    ``right``      "closed": exactly at the end of the window is a repeat; "open": it is not
    ``missing_category``  "unlinked", or "own": a category like others
    ``denominator``  "mature": contacts whose window is over by as_of, the only ones known either
                   way. Others are biased: "keep_early_repeats" (low), "pending_as_success"
                   (high), "all" (adds contacts open for longer than the window, as failures)
    ``lookback``   a second window, before the contact: only first contacts are counted, those
                   with none of the same key so long before them; the others are
                   ``not_in_denominator``
    ``period``     (start, end): only contacts opened in [start, end) are counted, the others are
                   history (``not_in_denominator``)
    ``states``     True keeps ``r.states``: fcr, repeat, pending, early_repeat, open, bad, unseen,
                   unlinked, missing, invalid, one for every row in its order

    std_error  clustered by customer: m/(m-1) sum (y_c - p n_c)^2 / N^2 over the m customers;
               interval t with m - 1 degrees of freedom. ``interval="wilson"`` and the like take
               every contact for independent. In a grouped result the customers are clusters
               within their group, also in its total
    measures   fcr and issue_fcr (chains of contacts of one key as one issue each); repeat, the
               counts successes, denominator, customers, pending, early_repeat, open …

    A customer's history must be whole, so rows cannot be added in chunks. Two ways to split the
    work: by customer (``cxm.merge`` of the results' tallies is exact), or by time. A nightly run
    replays the last window and one day, and keeps the tallies of the days before::

        day = 86400
        start = as_of - 8 * day                      # a window of 7 days and one day
        recent = [row for row in log if row["opened"] >= start]
        r = cxm.fcr_window("customer", "opened", anchor="opened", window="7d", as_of=as_of,
                           period=(start, as_of), data=recent,
                           by={"day": cxm.day("opened", utc_offset=0)})
        rows = r.tally.rows()
        kept.update(zip(rows["day"], rows["tally"]))     # bytes, to be stored by day
        cxm.merge(kept.values()).estimate()

    What is older than that is over and does not change. From the resolution the replay must
    reach back to the oldest contact that was open a window and a day ago.

    For the other arguments see :func:`cxm.nps`.

    >>> day = 86400
    >>> r = cxm.fcr_window(["a", "a", "b"], opened=[0, 3 * day, 0],
    ...                    resolved=[60, 3 * day + 60, 60], as_of=30 * day, states=True)
    >>> r.value, list(r.states)
    (0.6666666666666666, ['repeat', 'fcr', 'fcr'])
    """
    level = checked_level(level)
    metric = known("fcr_window")
    handle = new_handle(metric, {
        "window": seconds(window, "window"), "anchor": anchor, "right": right,
        "after_only": bool(after_only), "missing_category": missing_category,
        "key": "customer" if category is None else "customer+category",
        "denominator": denominator,
        "lookback": 0 if lookback is None else seconds(lookback, "lookback"),
    })
    columns = {"customer": customer, "opened": opened, "resolved": resolved,
               "category": category}
    kept = _add_contacts(
        handle, columns, instant(as_of, "as_of"), period_of(period), states, data, by, invalid,
        missing_key, threads,
    )
    result = ContactResult(handle, level, interval, measures)
    result._states = kept
    return result


def period_of(period: Any) -> tuple[int, int]:
    if period is None:
        return 0, 0
    try:
        start, end = period
    except (TypeError, ValueError):
        raise Error(f"period is a pair, start and end, not {period!r}", column="period") from None
    return instant(start, "period"), instant(end, "period")


def _add_contacts(
    handle: Handle, columns: dict[str, Any], as_of: int, period: tuple[int, int], states: bool,
    data: Any, by: Any, invalid: str, missing_key: str, threads: int | None,
) -> States | None:
    """Adds contacts to an empty tally; returns their states when they are wanted."""
    call = Call(data, None, ())
    try:
        contacts = _contacts(call, columns, as_of, period, by, invalid, missing_key, threads)
        n = call.rows()
        store = (c_uint8 * max(n, 1))() if states else None
        if store is not None:
            contacts.states = addressof(store)
        error = ErrorStruct()
        with handle.lock:
            status = lib.cxm_tally_add_contacts(handle.pointer, byref(contacts), byref(error))
        check(status, error)
    finally:
        call.columns.clear()
    return None if store is None else States(memoryview(store).cast("B")[:n])


def _contacts(
    call: Call, columns: dict[str, Any], as_of: int, period: tuple[int, int], by: Any,
    invalid: str, missing_key: str, threads: int | None,
) -> Contacts:
    """struct cxm_contacts over the columns of a call."""
    for name, value, words in (("invalid", invalid, ("error", "count")),
                               ("missing_key", missing_key, ("keep", "leave_out"))):
        if value not in words:
            raise one_of(name, value, words)
    for name in ("customer", "opened"):
        if columns[name] is None:
            raise Error(f"fcr_window needs {name}=", column=name)
    contacts = Contacts()
    contacts.size = sizeof(Contacts)
    for name, value in columns.items():
        if value is None:
            continue
        column = call.column(value, name, key=name in ("customer", "category"))
        call.add(name.encode(), column)
        setattr(contacts, name, pointer(column))
    keys = keys_of(call, by)
    contacts.by = keys
    contacts.n_by = len(keys) if keys is not None else 0
    call.inputs()  # the indexes of pandas agree
    contacts.as_of = as_of
    contacts.period_start, contacts.period_end = period
    contacts.invalid = int(invalid == "count")
    contacts.missing_key = int(missing_key == "leave_out")
    contacts.threads = threads_of(threads, call.rows())
    return contacts


def fcr_km(
    customer: Any,
    opened: Any,
    resolved: Any = None,
    category: Any = None,
    *,
    as_of: Any,
    window: Any = "7d",
    anchor: str = "resolved",
    right: str = "closed",
    after_only: bool = False,
    missing_category: str = "unlinked",
    lookback: Any = None,
    period: Any = None,
    data: Any = None,
    by: Any = None,
    level: float = 0.95,
    interval: str | None = None,
    total: bool = False,
    invalid: str = "error",
    missing_key: str = "keep",
    threads: int | None = None,
) -> Report:
    """First-contact resolution with the contacts whose window is not over: the chance of no repeat
    within the window by Kaplan & Meier (1958).

    A contact's time runs from its anchor to the next contact, or is censored at as_of; the rate is
    the survival at the window. It uses every resolved contact where :func:`cxm.fcr_window` waits
    for their windows, and takes contacts for independent.

    std_error  Greenwood; interval log-log, or another one of survival curves
    axes       ``at_risk`` (contacts whose time was not over at the window's end), ``events``

    NaN with CENSORED where every contact's time is shorter than the window and some had no repeat:
    nobody was watched for so long. ``total=True``: all groups together come last. The other
    arguments are those of :func:`cxm.fcr_window`.

    >>> day = 86400
    >>> cxm.fcr_km(["a", "a", "b"], opened=[0, 3 * day, 0],
    ...            resolved=[60, 3 * day + 60, 60], as_of=30 * day).value
    0.6666666666666666
    """
    options = FcrWindowOptions()
    options.size = sizeof(FcrWindowOptions)
    options.level = checked_level(level)
    options.interval = 0 if interval is None else interval_number(interval)
    for field, name, value, words in (
        ("anchor", "anchor", anchor, ("resolved", "opened")),
        ("right_open", "right", right, ("closed", "open")),
        ("missing_category", "missing_category", missing_category, ("unlinked", "own")),
    ):
        if value not in words:
            raise one_of(name, value, words)
        setattr(options, field, words.index(value))
    options.after_only, options.total = int(bool(after_only)), int(bool(total))
    options.lookback = 0 if lookback is None else seconds(lookback, "lookback")
    columns = {"customer": customer, "opened": opened, "resolved": resolved,
               "category": category}
    length = seconds(window, "window")
    call = Call(data, None, ())
    try:
        contacts = _contacts(call, columns, instant(as_of, "as_of"), period_of(period), by,
                             invalid, missing_key, threads)
        return read_report(lambda out, error: lib.cxm_fcr_km(
            byref(contacts), length, byref(options), out, error))
    finally:
        call.columns.clear()


def keys_of(call: Call, by: Any) -> Any:
    """The columns of by= side by side; None where there are none, as in by={}: to the library a pointer
    without a number means one column."""
    if by is None:
        return None
    before = len(call.columns)
    call.add_by(by)
    found = call.columns[before:]
    return (Column * len(found))(*found) if found else None
