# SPDX-License-Identifier: GPL-3.0-or-later
"""How long customers stay: survival curves, competing risks, log-rank tests."""

from __future__ import annotations

from array import array
from ctypes import POINTER, addressof, byref, c_double, c_size_t, c_uint8, cast, sizeof
from dataclasses import dataclass

from ._add import filled
from ._errors import Error, one_of
from ._handle import Handle
from ._inputs import Call
from ._instants import instant, seconds
from ._library import (
    CauseName, Column, DurationCounts, ErrorStruct, Label, LogrankOptions, SurvivalOptions, check, lib, text,
)
from ._memory import SENTINEL, STRINGS, TEXT, U8, UTF8, UTF8_LARGE, UTF8_VIEW, plain
from ._names import checked_level, interval_number
from ._registry import known
from ._report import Report, read_report
from ._tally import Tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Union

    Numbers = Union[float, Iterable[float], None]

_CURVE, _HAZARD, _MEDIAN = 1, 2, 4  # enum cxm_survival_rows
_HAZARDS = ("nelson-aalen", "ties-broken")
_MOST_CAUSES = 64
_ADJUSTMENTS = ("holm", "hochberg", "bh", "by", "bonferroni", "none")


@dataclass(frozen=True)
class Durations:
    """The answer of :func:`durations`: two columns with a row for each given one, and how many
    rows have no duration."""

    duration: array[float]  #: whole units; NaN where there is none
    event: array[int]  #: 1 lost, 0 still a customer
    n: int  #: rows with a duration
    missing: int  #: without a start
    unseen: int  #: started after as_of
    bad: int  #: ended before they started


def durations(
    start: Any,
    end: Any,
    *,
    as_of: Any,
    unit: Any = "1d",
    data: Any = None,
) -> Durations:
    """How long customers stayed, from when they came and went (客户存续时间), as known at
    ``as_of``: an end up to then is a loss, no end or a later one means still a customer at
    ``as_of``. An earlier ``as_of`` replays an earlier report.

    ``start, end``  timestamps, dates, or seconds since 1970 UTC; ``end`` is missing for those who
                    stay
    ``unit``        of the durations, cut to whole ones: "1d", "1h", seconds, a timedelta

    Rows that start after ``as_of`` (``unseen``) or end before they start (``bad``) have no
    duration. The result goes to :func:`kaplan_meier` as it is:

    >>> d = cxm.durations([0, 0, 86400], [86400 * 5, None, 86400 * 9], as_of=86400 * 8)
    >>> list(d.duration), list(d.event)
    ([5.0, 8.0, 7.0], [1, 0, 0])
    >>> cxm.kaplan_meier(d).rmst(7).value
    6.333333333333333
    """
    call = Call(data, None, ())
    columns = [call.column(value, name, None, True)
               for name, value in (("start", start), ("end", end))]
    for column, role in zip(columns, (b"start", b"end")):
        column.name = column.name or role
    size = max(columns[0].n, 1)
    duration, event = (c_double * size)(), (c_uint8 * size)()
    counts, error = DurationCounts(), ErrorStruct()
    status = lib.cxm_durations(
        byref(columns[0]), byref(columns[1]), instant(as_of, "as_of"), seconds(unit, "unit"),
        duration, event, byref(counts), byref(error),
    )
    check(status, error)
    n = columns[0].n
    made, lost = array("d"), array("B")
    made.frombytes(memoryview(duration).cast("B")[: 8 * n])
    lost.frombytes(memoryview(event).cast("B")[:n])
    return Durations(made, lost, counts.n, counts.missing, counts.unseen, counts.bad)


class Curves(Report):
    """The report of :func:`kaplan_meier` and :func:`competing_risks`: a :class:`Report` that can
    be asked for more, and that keeps the tally it was read from (``r.tally``)."""

    __slots__ = ("_tally", "_ask", "_read")

    _tally: Tally
    _ask: dict[str, Any]
    _read: str  # the function of the library

    @classmethod
    def _of(cls, tally: Tally, read: str, ask: dict[str, Any]) -> Curves:
        report = cls(_report(tally, read, ask)._store)
        report._tally, report._ask, report._read = tally, ask, read
        return report

    def _again(self, **ask: Any) -> Report:
        """Another reading of the same tally, for the groups of this report."""
        groups = self.groups
        ask = {**self._ask, **ask, "total": not groups}
        found = _report(self._tally, "cxm_tally_survival", ask)
        if len(self._rows) == self._store.size or not self._store.keys:
            return found
        return found.group(groups[0]) if groups else found.total

    def _part(self, part: Report) -> Curves:
        mine = Curves(part._store, part._rows)
        mine._tally, mine._ask, mine._read = self._tally, self._ask, self._read
        return mine

    def _more(self) -> dict[str, Any]:
        return {"_tally": self._tally, "_ask": self._ask, "_read": self._read}

    def group(self, key: Any) -> Curves:
        """The rows of one group."""
        return self._part(super().group(key))

    @property
    def total(self) -> Curves:
        """The rows of all groups together; without groups: all."""
        part = super().total
        if not len(part):
            part = _report(self._tally, self._read, {**self._ask, "total": True}).total
        return self._part(part)

    @property
    def tally(self) -> Tally:
        """The counts behind the curves: they merge, are saved, and give further numbers."""
        return self._tally.copy()

    @property
    def median(self) -> float:
        """The time by which half of the customers are lost; NaN when it is not reached."""
        return self._again(rows=_MEDIAN).value

    def quantile(self, share: float) -> Report:
        """The time by which this share of the customers is lost, with its limits."""
        return self._again(rows=_MEDIAN, quantiles=share)[f"quantile[{_plain(share)}]"]

    def rmst(self, tau: float) -> Report:
        """The restricted mean: how long customers stay on average within the first ``tau``."""
        return self._again(rows=_MEDIAN, taus=tau)["rmst"]

    def at(self, times: Any) -> Report:
        """The share still there at these times."""
        return self._again(rows=_CURVE, times=times)["survival"]


def kaplan_meier(
    duration: Any,
    event: Any = None,
    *,
    entry: Any = None,
    data: Any = None,
    by: Any = None,
    labels: Any = None,
    missing_codes: Any = (),
    freq: Any = None,
    level: float = 0.95,
    interval: str | None = None,
    hazard: str | None = None,
    quantiles: Numbers = (),
    tau: Numbers = None,
    times: Numbers = None,
    total: bool = False,
    few: int = 5,
    invalid: str = "error",
    missing_key: str = "keep",
    threads: int | None = None,
) -> Curves:
    """The share of customers that stay, over time (留存曲线), with customers who are still there
    counted as what they are: censored.

    ``survival``     S(t) = product of 1 - lost / at risk (Kaplan & Meier), Greenwood's error,
                     a row for every time at which somebody was lost or last seen
    ``hazard``       cumulative, with ``hazard="nelson-aalen"`` (sum of lost / at risk) or
                     ``"ties-broken"`` (events of one time one after another)
    ``median``       and ``quantile[p]`` for ``quantiles=``: the time by which that share is lost
    ``rmst``         with ``tau=``: mean time within the first tau

    ``duration``     time from the start to the loss, or to the last observation: 0 or more, in
                     any unit; or a :class:`Tally` of "survival", which is read
    ``event``        1 lost, 0 still a customer
    ``entry``        when observation began, if not at 0 (left truncation): below duration
    ``freq``         copies of a row; there are no survey weights
    ``interval``     "log-log" (default), "log", "plain", "logit", "arcsine", "none"
    ``times``        the curve at these times only
    ``few``          with entries: SMALL_N where fewer were at risk at an early loss

    Axes: ``time, at_risk, events, censored``. ``r.median``, ``r.quantile(p)``, ``r.rmst(tau)``,
    ``r.at(times)``. Errors: a negative duration or an event other than 0 and 1 names its row; a
    duration not above its entry is excluded as bad. Other arguments as in :func:`nps`.

    >>> cxm.kaplan_meier([5, 8, 8, 12], [1, 1, 1, 0]).median
    8.0
    """
    if isinstance(duration, Tally):
        tally = _given(duration, event, entry, data, by, freq)
    else:
        call = _call(duration, event, "event", entry, data, by, labels, missing_codes, freq)
        tally = _filled({}, call, invalid, missing_key, threads)
    if hazard is not None and hazard not in _HAZARDS:
        raise one_of("hazard", hazard, _HAZARDS)
    ask = {
        "level": checked_level(level), "interval": interval, "quantiles": quantiles,
        "taus": tau, "times": times, "total": total, "few": few,
        "rows": _CURVE | _MEDIAN | (0 if hazard is None else _HAZARD),
        "hazard": 0 if hazard is None else _HAZARDS.index(hazard),
    }
    return Curves._of(tally, "cxm_tally_survival", ask)


def competing_risks(
    duration: Any,
    cause: Any = None,
    *,
    event: Any = None,
    causes: Sequence[str] | str | None = None,
    entry: Any = None,
    data: Any = None,
    by: Any = None,
    labels: Any = None,
    missing_codes: Any = (),
    freq: Any = None,
    level: float = 0.95,
    interval: str | None = None,
    times: Numbers = None,
    total: bool = False,
    invalid: str = "error",
    missing_key: str = "keep",
    threads: int | None = None,
) -> Curves:
    """Cumulative incidence of churn by reason (流失原因: 自然、恶意、竞争、过失; 价值、系统、
    员工): the share of all customers lost by each cause up to a time (Aalen & Johansen), with the
    standard error of Betensky & Schoenfeld.

    ``incidence[cause]``  a row for each cause and time; with ``survival`` they add up to 1

    ``cause``     0 still a customer, 1 … K the causes; ``causes=["price", …]`` names them, and
                  then texts equal to these names are read too. Or any column (text, category,
                  number) together with
    ``event``     1 lost, 0 still a customer: the distinct causes of the lost ones, in order, and
                  "unknown" for those without a cause
    ``causes``    or the name of a classification (流失客户的分类), whose words are read in
                  English or Chinese: "churn_type" (natural 自然, malicious 恶意, competitive 竞争,
                  fault 过失, unknown), "churn_through" (value 价值, system 系统, people 员工,
                  unknown); "churn_type_zh", "churn_through_zh" show the Chinese names. Of lost
                  customers (``event``) without a cause it is unknown; other words are an error
    ``duration``  may be a :class:`Tally` of "survival" with ``causes``

    Axes: ``time, at_risk, events`` (by this cause), ``censored``. 1 - kaplan_meier of one cause
    would overstate it. Errors: a cause outside 0 … K names its row. Other arguments as in
    :func:`kaplan_meier`.

    >>> cxm.competing_risks([1, 2, 3, 4], [1, 2, 0, 1])["incidence[1]"].to_dict()["value"]
    [0.25, 0.25, 0.25, 0.75]
    """
    if isinstance(duration, Tally):
        tally = _given(duration, cause, entry, data, by, freq)
    else:
        call = _call(duration, None, "cause", entry, data, by, labels, missing_codes, freq,
                     lambda call: _causes(call, cause, event, causes))
        names = call.names
        tally = _filled({"causes": names}, call, invalid, missing_key, threads)
    ask = {
        "level": checked_level(level), "interval": interval, "times": times, "total": total,
    }
    return Curves._of(tally, "cxm_tally_incidence", ask)


def logrank(
    duration: Any,
    event: Any = None,
    *,
    by: Any = None,
    strata: Any = None,
    rho: float = 0,
    gamma: float = 0,
    pairwise: bool = False,
    adjust: str = "holm",
    entry: Any = None,
    data: Any = None,
    labels: Any = None,
    missing_codes: Any = (),
    freq: Any = None,
    invalid: str = "error",
    missing_key: str = "keep",
    threads: int | None = None,
) -> Report:
    """Do customers of the groups ``by`` stay equally long? The log-rank test (对数秩检验) of two
    or more groups: ``r.statistic, r.df, r.p_value``; ``r["observed"]`` and ``r["expected"]`` have
    a row a group.

    ``rho, gamma``  weights S(t-)^rho (1 - S(t-))^gamma of Fleming & Harrington: rho=1 stresses
                    early, gamma=1 late differences
    ``strata``      columns within whose values the groups are compared
    ``pairwise``    also each group with each, as if there were no others: rows ``pairwise`` with the
                    axis ``against``, and p_adjusted over all pairs (``adjust``: "holm", "hochberg",
                    "bh", "by", "bonferroni", "none")
    ``duration``    may be a :class:`Tally` of "survival"; ``strata`` are then the names of its
                    last keys

    NaN with NO_DATA when fewer than two groups could have lost anybody. Groups that were never at
    risk beside others, as one alone in its stratum, are left out: df is less, flag DEGENERATE.
    Other arguments as in :func:`kaplan_meier`.

    >>> cxm.logrank([5, 8, 8, 12], [1, 1, 1, 1], by=["a", "b", "a", "b"]).df
    1.0
    """
    method = lib.cxm_adjust_from_name(str(adjust).encode())
    if method < 0:
        raise one_of("adjust", adjust, _ADJUSTMENTS)
    options = LogrankOptions(sizeof(LogrankOptions), 0, _number("rho", rho),
                             _number("gamma", gamma), int(bool(pairwise)), method)
    if isinstance(duration, Tally):
        tally = _given(duration, event, entry, data, by, freq)
        options.n_strata = _tail(tally, strata)
    else:
        if by is None:
            raise Error("logrank needs by=, the groups to compare", column="by")
        call = _call(duration, event, "event", entry, data, by, labels, missing_codes, freq)
        before = len(call.entries)
        try:
            if strata is not None:
                call.add_by(strata)
        except BaseException:
            call.columns.clear()
            raise
        options.n_strata = (len(call.entries) - before) // 2
        tally = _filled({}, call, invalid, missing_key, threads)
    handle = tally._ready()
    with handle.lock:
        return read_report(
            lambda out, error: lib.cxm_tally_logrank(handle.pointer, byref(options), out, error)
        )


# ---- tallies -----------------------------------------------------------------------------------


class _Call(Call):
    """A call that also knows the names of its causes."""

    __slots__ = ("names",)

    names: list[str]


def _given(tally: Tally, *others: Any) -> Tally:
    """A tally instead of columns."""
    if any(value is not None for value in others):
        raise Error("a tally has its rows already: pass it alone", column="duration")
    if tally.metric != "survival":
        raise Error(f"curves belong to tallies of survival, not of {tally.metric}",
                    column="duration")
    return tally.copy()


def _call(
    duration: Any, event: Any, name: str, entry: Any, data: Any, by: Any, labels: Any,
    missing_codes: Any, freq: Any, add: Callable[[_Call], None] | None = None,
) -> _Call:
    metric = known("survival")
    if isinstance(duration, Durations):
        if event is None and add is None:
            event = duration.event
        duration = duration.duration
    call = _Call(data, labels, missing_codes)
    if event is None and add is None:
        raise Error("event= is needed: 1 lost, 0 still a customer", column=name)
    try:
        call.add_input(metric, "duration", duration)
        if add is not None:
            add(call)
        else:
            call.add_input(metric, "event", event)
        if entry is not None:
            call.add_input(metric, "entry", entry)
        if freq is not None:
            call.add(b"freq", call.column(freq, "freq"))
        if by is not None:
            call.add_by(by)
    except BaseException:
        call.columns.clear()
        raise
    return call


def _filled(
    params: dict[str, Any], call: Call, invalid: str, missing_key: str, threads: int | None
) -> Tally:
    handle = filled(known("survival"), params, call, [], invalid, missing_key, threads)
    return Tally._of(handle, False)


def _tail(tally: Tally, strata: Any) -> int:
    """How many of the last keys of a tally are strata."""
    if strata is None:
        return 0
    wanted = [strata] if isinstance(strata, str) else list(strata)
    names = [name for name, _ in tally._ready().key_infos()]
    if not wanted or names[-len(wanted):] != wanted:
        raise Error(
            f"strata: {wanted} are not the last keys of the tally, which has {names}",
            column="strata",
        )
    return len(wanted)


# ---- causes ------------------------------------------------------------------------------------


def _named(causes: Sequence[str]) -> list[str]:
    if isinstance(causes, str) or not all(isinstance(name, str) for name in causes):
        raise Error(f"causes must be a list of names, not {causes!r}", column="causes")
    return list(causes)


def _by_name(column: Column, causes: list[str]) -> None:
    """Texts are read as the causes that they name."""
    inside = column.type in (TEXT, UTF8, UTF8_LARGE, UTF8_VIEW, STRINGS)
    if column.n_labels or not (inside or column.dictionary):
        return
    array = (Label * len(causes))(*(
        Label(name.encode(), place + 1.0, 0, 0) for place, name in enumerate(causes)
    ))
    column.labels, column.n_labels = addressof(array), len(causes)
    column.keep = (column.keep, array)


def _causes(
    call: _Call, cause: Any, event: Any, causes: Sequence[str] | str | None
) -> None:
    """The column of causes, and their names."""
    if cause is None:
        raise Error("cause= is needed: 0 still a customer, 1 … K the causes", column="cause")
    if isinstance(causes, str):
        _listed(call, cause, event, causes)
        return
    if causes is not None and event is None:
        call.names = _named(causes)
        call.add_input(known("survival"), "event", cause)
        _by_name(call.columns[-1], call.names)
        return
    if causes is not None:
        raise Error("with event= the causes are those of the column; leave causes= out",
                    column="causes")
    column = call.column(cause, "cause", call.labels, event is not None)
    column.name = column.name or b"cause"
    call._answers(column)
    lost = None
    if event is not None:
        lost = call.column(event, "event", call.labels)
        lost.name = lost.name or b"event"
        call._answers(lost)
    codes, call.names = _match(column, lost)
    call.add(b"event", codes if lost is not None else column)
    if lost is not None:
        codes.name, codes.index = column.name, column.index
        call.columns += [column, lost]


def _listed(call: _Call, cause: Any, event: Any, name: str) -> None:
    """Causes in the words of a classification."""
    found = lib.cxm_cause_list_find(name.encode())
    if not found:
        known_names: list[str] = []
        while lib.cxm_cause_list_at(len(known_names)):
            known_names.append(text(lib.cxm_cause_list_at(len(known_names))[0].name))
        raise Error(f"there is no list of causes {name!r}; there are {', '.join(known_names)}",
                    column="causes", value=name)
    column = call.column(cause, "cause", call.labels, event is not None)
    column.name = column.name or b"cause"
    call._answers(column)
    lost = None
    if event is not None:
        lost = call.column(event, "event", call.labels)
        lost.name = lost.name or b"event"
        call._answers(lost)
    store, error = (c_uint8 * max(column.n, 1))(), ErrorStruct()
    check(lib.cxm_code_causes(found, byref(column), None if lost is None else byref(lost), store,
                              byref(error)), error)
    codes = plain(U8, addressof(store), column.n, 1, store)
    codes.sentinel, codes.flags = 255, SENTINEL
    codes.name, codes.index = column.name, column.index
    call.names = [text(found[0].causes[k].name) for k in range(found[0].n_causes)]
    call.add(b"event", codes)
    call.columns += [column] if lost is None else [column, lost]


def _match(cause: Column, lost: Column | None) -> tuple[Column, list[str]]:
    store = (c_uint8 * max(cause.n, 1))()
    names = (CauseName * _MOST_CAUSES)()
    count, error = c_size_t(), ErrorStruct()
    status = lib.cxm_match_causes(
        byref(cause), None if lost is None else byref(lost), store, names, byref(count), None,
        byref(error),
    )
    check(status, error)
    codes = plain(U8, addressof(store), cause.n, 1, store)
    codes.sentinel, codes.flags = 255, SENTINEL
    return codes, [text(name.text) for name in names[: count.value]]


# ---- options -----------------------------------------------------------------------------------


def _report(tally: Tally, read: str, ask: dict[str, Any]) -> Report:
    """Reads a tally. ``ask`` has the members of struct cxm_survival_options."""
    options = SurvivalOptions()
    options.size = sizeof(SurvivalOptions)
    options.level = ask["level"]
    if ask["interval"] is not None:
        options.interval = interval_number(ask["interval"])
    options.rows, options.hazard = ask.get("rows", 0), ask.get("hazard", 0)
    options.total, options.few = int(bool(ask["total"])), ask.get("few", 0)
    keep = []
    for name in ("quantiles", "taus", "times"):
        values = _list(name, ask.get(name))
        array = (c_double * len(values))(*values)
        keep.append(array)
        setattr(options, name, cast(array, POINTER(c_double)) if values else None)
        setattr(options, f"n_{name}", len(values))
    handle: Handle = tally._ready()
    function = getattr(lib, read)
    with handle.lock:
        return read_report(
            lambda out, error: function(handle.pointer, byref(options), out, error)
        )


def _list(name: str, values: Any) -> list[float]:
    if values is None:
        return []
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        return [_number(name, values)]
    return [_number(name, value) for value in values]


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Error(f"{name} must be a number, not {value!r}", column=name,
                    value=str(value)) from None


def _plain(value: float) -> str:
    """As the library writes it."""
    number = float(value)
    return str(int(number)) if number == int(number) else repr(number)


__all__ = ["Curves", "Durations", "competing_risks", "durations", "kaplan_meier", "logrank"]
