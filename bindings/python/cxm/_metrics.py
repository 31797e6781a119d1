# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics, one function each. All arithmetic is the library's; the defaults written here are
those of its registry, and a test compares them. The arguments that all functions share are
described at nps."""

from __future__ import annotations

from ._add import CUSTOMERS, PERIOD, add_period, customer_call, filled, prepare
from ._errors import Error
from ._handle import new_handle
from ._library import lib
from ._names import checked_level
from ._registry import known
from ._result import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Union

    from ._registry import Known

    Labels = Union[Mapping[str, Union[float, None]], None]
    Codes = Iterable[Union[float, str]]
    Pair = tuple[float, float]
    Names = Union[str, Iterable[str], None]
    Items = Any


def _run(
    name: str, given: dict[str, Any], params: dict[str, Any], data: Any, by: Any, labels: Any,
    missing_codes: Any, weight: Any, freq: Any, strata: Any, cluster: Any, fpc: Any, lonely: str,
    level: Any, interval: Any, invalid: str, measures: Any, missing_key: str,
    threads: int | None,
) -> Result:
    """Columns -> tally -> result."""
    metric = known(name)
    if level != 0.95:
        level = checked_level(level)
    design = None
    if strata is not None or cluster is not None or fpc is not None:
        design = (strata, cluster, fpc)
    call, items = prepare(metric, given, data, labels, missing_codes, by, weight, freq, design)
    handle = filled(metric, params, call, items, invalid, missing_key, threads)
    return Result(
        handle, level, interval, measures, lonely, design is not None, weight, threads
    )


#: Counts that are 0 when they are left out; the others are None.
_PERIOD_DEFAULTS = {"n_reactivated": 0, "n_lost_new": 0}


def _set(**params: Any) -> dict[str, Any]:
    """The parameters that have a value."""
    return {name: value for name, value in params.items() if value is not None}


def _other_forms(
    metric: Known, given: dict[str, Any], params: dict[str, Any], data: Any, by: Any,
    weight: Any, freq: Any, design: tuple[Any, Any, Any], level: Any, interval: Any,
    measures: Any,
) -> Result | None:
    """Retention and churn from lists of ids or from counts; None where flags were given."""
    lists = [name for name in CUSTOMERS if given.get(name) is not None]
    counts = [n for n in PERIOD if n in given and given[n] != _PERIOD_DEFAULTS.get(n)]
    flags = [name for name in ("active_before", "active_after") if given.get(name) is not None]
    if bool(lists) + bool(counts) + bool(flags) > 1:
        together = ", ".join(flags + lists + counts)
        raise Error(
            f"{metric.name} takes flags, lists of ids or counts, not {together} together",
            column=(lists + counts)[0],
        )
    if len(flags) == 1:
        lacking = "active_after" if flags == ["active_before"] else "active_before"
        raise Error(
            f"{metric.name} needs {lacking}= beside {flags[0]}=; of one column that says who left, "
            "share(numerator=…) is the rate",
            column=lacking,
        )
    if not lists and not counts:
        return None  # flags, or nothing, which is an error there
    level = checked_level(level)
    _no_rows(**dict(zip(("strata", "cluster", "fpc"), design)))
    if lists:
        call = customer_call(metric, given, data, by, weight, freq)
        handle = filled(metric, params, call, [], "error", "keep", None)
    else:
        _no_rows(by=by, data=data, weight=weight, freq=freq, reason=given.get("reason"))
        handle = new_handle(metric, params)
        add_period(handle, given)
    return Result(handle, level, interval, measures)


def _no_rows(**given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            raise Error(f"{name}= needs rows; the counts of a period have none", column=name)


def nps(
    score: Any,
    *,
    data: Any = None,
    by: Any = None,
    scale: Pair = (0, 10),
    promoter: float = 9,
    detractor: float = 6,
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
    """Net Promoter Score: 100 (promoters - detractors) / n, in points from -100 to 100.

    Promoters answer ``promoter`` or more, detractors ``detractor`` or less, on ``scale``. Defaults
    are those of Reichheld (2003): 0 to 10, 9 and 6. Other scales are conventions: 5 points
    (1, 5) with 5 and 3, 7 points (1, 7) with 7 and 4; scores of different scales do not compare,
    so the scale is part of the definition.

    std_error  100 sqrt(v / n), v the variance of -1, 0, 1 with divisor n; with weights linearised
    interval   adjusted Wald, ¾, 1½, ¾ answers added (Rocks 2016); also "score" (Tango 1998) …
    measures   nps, promoters, passives, detractors (shares), mean, share[k]

    No usable answer gives NaN and the flag NO_DATA. Net Promoter, NPS and Net Promoter Score are
    trademarks of their owners.

    Arguments that every metric has:

    ``data``           table whose columns the other arguments may name by text: a dict, pandas,
                       Polars or PyArrow, a DuckDB relation, anything with ``__arrow_c_stream__``
    ``by``             groups: one column, or a list of several, or a mapping name -> column;
                       ``cxm.month("answered_at")`` and its like make calendar groups
    ``labels``         what text answers stand for: ``{"good": 1, "bad": 0, "offered": None}``;
                       None is no answer. A text that is not listed is an error
    ``missing_codes``  answers that mean "no answer": ``[99, -99, "N/A"]``. Keys, weights and freq
                       are not searched for them
    ``weight``         survey weights, 0 or 1e-100 … 1e100, or those of :func:`cxm.rake` and
                       :func:`cxm.poststratify`; standard errors are then linearised
    ``freq``           how many copies of the row there are, so that the result of
                       ``GROUP BY region, score`` is input
    ``strata``         sampling design: the stratum of each row, any kind of key
    ``cluster``        the unit that was drawn, within its stratum: a school, a shop, a customer
                       with several answers; a pair for two stages: ``["school", "class"]``
    ``fpc``            finite population: how many units (rows, where there is no cluster) there
                       are in the stratum; one number for a simple random sample; a pair for two
                       stages, the second counts the units of each cluster. Standard errors then
                       describe these customers only
    ``lonely``         strata with one unit: ``"error"``, ``"certainty"`` (they add nothing to the
                       variance) or ``"adjust"`` (their distance from the mean of all units does)
    ``level``          confidence level, between 0 and 1
    ``interval``       name of an interval from ``cxm.metrics()``; None: each measure's own
    ``invalid``        impossible values: ``"error"`` names the first such row, ``"count"``
                       counts them
    ``measures``       which measures rows and tables show: ``"all"``, a name or a list of names;
                       None: the metric's own choice. ``r[name]`` reads every measure anyhow
    ``missing_key``    rows without a key: ``"keep"`` makes a group of them, ``"leave_out"``
                       counts them as excluded, in the total only
    ``threads``        at most so many; None: 1 below a million rows, else all CPUs of the
                       process. The result is the same bit for bit

    Missing values are None, NaN, NaT, null, masked elements and missing codes. They are counted,
    never guessed: rows given = n + missing + invalid + excluded. Columns are read in place and
    paired by position. Whatever cannot be answered is a :class:`cxm.Error`, and nothing happened.

    >>> cxm.nps([10, 9, 8, 3]).value
    25.0
    >>> cxm.nps("score", by=["region", cxm.month("answered_at")], data=df)   # doctest: +SKIP
    """
    return _run(
        "nps", {"score": score},
        {"scale": scale, "promoter": promoter, "detractor": detractor},
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )


def csat(
    score: Any,
    *,
    data: Any = None,
    by: Any = None,
    scale: Pair = (1, 5),
    satisfied: float | None = None,
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
    """Customer satisfaction: the share of answers that are ``satisfied`` or better, in [0, 1].

    ``satisfied`` is 4 on the default scale of 1 to 5, and must be given on every other one.
    good/bad answers: ``labels={"good": 1, "bad": 0}, scale=(0, 1), satisfied=1``.

    interval   Wilson; also "clopper-pearson", "jeffreys", "agresti-coull" …
    measures   csat, top (highest answer), top2, bottom2, net (top2 - bottom2), mean, index (mean
               rescaled to 0 … 100 points by the ends of the scale), share[k]

    For the other arguments see :func:`cxm.nps`.

    >>> cxm.csat([5, 4, 2, 1]).value
    0.5
    """
    return _run(
        "csat", {"score": score},
        _set(scale=scale, satisfied=satisfied),
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )


def ces(
    score: Any,
    *,
    data: Any = None,
    by: Any = None,
    scale: Pair = (1, 7),
    high_is_easy: bool = True,
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
    """Customer effort: the mean answer, on the scale of the question.

    ``high_is_easy=False`` says that high answers mean much effort; easy and difficult swap.

    std_error  sd / sqrt(n), sd with divisor n - 1; interval t with n - 1 degrees of freedom
    measures   ces, easy (share beyond the midpoint), difficult, net (easy - difficult), top2,
               share[k]

    One answer has no standard error (NaN). For the other arguments see :func:`cxm.nps`.

    >>> cxm.ces([7, 6, 2]).value
    5.0
    """
    return _run(
        "ces", {"score": score},
        {"scale": scale, "high_is_easy": high_is_easy},
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )


def csi(
    items: Items,
    *,
    data: Any = None,
    by: Any = None,
    importance: Items = None,
    scale: Pair = (1, 5),
    item_weights: Any = None,
    importance_kind: str | None = None,
    scaling: str = "minmax",
    partial: str = "renormalise",
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
    """Customer satisfaction index over several items, in points from 0 to 100.

    ``items``            one column per item, respondents are rows: a mapping name -> column, a
                         table, or a list (of names with data=; else item1, item2 …)
    ``item_weights``     fixed weights, a list or a mapping by item; equal when left out
    ``importance``       what respondents say an item matters, columns like ``items``
    ``importance_kind``  "aggregate" (the default with importance): weights are the mean
                         importances, from rows complete in both, and the standard error knows
                         that they are estimated; "person": every respondent's own weights
    ``scaling``          "minmax": 100 (x - low) / (high - low); "ratio": 100 x / high, which
                         cannot go below 100 low / high
    ``partial``          "renormalise": missing items drop out where at least half the weight was
                         answered; "listwise": such respondents are missing

    interval   t; measures csi, mean[item], index[item], weight[item]

    For the other arguments see :func:`cxm.nps`.

    >>> cxm.csi({"speed": [5, 4], "price": [3, 4]}).value
    75.0
    """
    return _run(
        "csi", {"items": items, "importance": importance},
        _set(
            scale=scale, item_weights=item_weights, scaling=scaling, partial=partial,
            importance_kind=_importance_kind(importance, importance_kind),
        ),
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )


def _importance_kind(importance: Any, kind: str | None) -> str | None:
    """Importance columns without a word about their use are averaged."""
    return "aggregate" if kind is None and importance is not None else kind


def gap(
    perceived: Items,
    expected: Items,
    *,
    data: Any = None,
    by: Any = None,
    importance: Items = None,
    scale: Pair | None = None,
    dimension: Mapping[str, Iterable[str]] | None = None,
    dimension_weights: Any = None,
    item_weights: Any = None,
    importance_kind: str | None = None,
    partial: str = "listwise",
    tolerance: float = 0,
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
    """Satisfaction as a gap: perceived - expected; below 0 means short of what was expected.

    ``perceived, expected``  one column per item, as in :func:`cxm.csi`. Equal names pair by name,
                             wholly different ones (``s1 s2``, ``e1 e2``) by place
    ``scale``                ends of the scale, where answers are checked against them
    ``dimension``            groups of items: ``{"reliability": ["p5", "p6"]}``
    ``dimension_weights``, ``item_weights``, ``importance``  weights of the overall gap
    ``partial``              what the overall gap does with missing items: "listwise" or
                             "renormalise". An item or a dimension uses its own complete pairs
    ``tolerance``            how far apart perceived and expected may be and still be "met"

    interval   t on the differences of a respondent (paired)
    measures   gap, gap[item], gap[dimension], perceived[…], expected[…], the shares exceeded[…],
               met[…], short[…], and t[…], p[…], dz[…] (Cohen's effect size, mean / sd)

    After SERVQUAL (Parasuraman, Zeithaml & Berry 1988). For the other arguments see
    :func:`cxm.nps`.

    >>> cxm.gap(perceived={"speed": [4, 5]}, expected={"speed": [5, 5]}).value
    -0.5
    """
    return _run(
        "gap", {"perceived": perceived, "expected": expected, "importance": importance},
        _set(
            scale=scale, dimension=dimension, dimension_weights=dimension_weights,
            item_weights=item_weights, partial=partial, tolerance=tolerance,
            importance_kind=_importance_kind(importance, importance_kind),
        ),
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )


def fcr(
    resolved_first: Any,
    *,
    data: Any = None,
    by: Any = None,
    eligible: Any = None,
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
    """First-contact resolution from a flag: the share of contacts solved at the first contact.

    ``resolved_first``  yes or no: bool, 0 / 1, or texts with labels=
    ``eligible``        yes or no: could the first contact have solved it at all? Given, the rate
                        is net: only eligible contacts count, the others are excluded
                        (``not_in_denominator``); left out, it is gross

    interval   Wilson; measures fcr, successes, denominator

    For the other arguments see :func:`cxm.nps`.

    >>> cxm.fcr([True, True, False, None]).n
    3
    """
    return _run(
        "fcr", {"resolved_first": resolved_first, "eligible": eligible}, {},
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )


def one_touch(
    solved: Any,
    replies: Any,
    reopens: Any = None,
    *,
    data: Any = None,
    by: Any = None,
    min_replies: int = 0,
    max_replies: int = 1,
    max_reopens: int = 0,
    on_hold: Any = None,
    customer_messages: Any = None,
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
    """One-touch resolution: the share of solved tickets that took one reply and no reopening.

    A solved ticket counts as a success when min_replies <= replies <= max_replies and
    reopens <= max_reopens; without a column of reopens that condition is left out. Tickets not
    solved are excluded (``not_in_denominator``). Two more columns are conditions where they are
    given: ``on_hold`` (yes: it was pending or on hold, and is no success) and
    ``customer_messages`` (further messages of the customer; a success has none).

    Products differ. Zendesk counted fewer than two replies (no reopens=), later exactly one
    (``min_replies=1``), in messaging one or more, never on hold, not reopened (``min_replies=1,
    max_replies=1000000``, which means no limit); Freshservice any replies and no further
    message of the customer (``max_replies=1000000, customer_messages=…``, no reopens=).

    interval   Wilson; measures one_touch, successes, denominator

    For the other arguments see :func:`cxm.nps`.

    >>> cxm.one_touch([1, 1, 0], replies=[1, 3, 1], reopens=[0, 0, 0]).value
    0.5
    """
    return _run(
        "one_touch", {
            "solved": solved, "replies": replies, "reopens": reopens, "on_hold": on_hold,
            "customer_messages": customer_messages,
        },
        {
            "min_replies": min_replies, "max_replies": max_replies, "max_reopens": max_reopens,
        },
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )


def retention(
    active_before: Any = None,
    active_after: Any = None,
    *,
    data: Any = None,
    by: Any = None,
    customers_before: Any = None,
    customers_after: Any = None,
    n_start: int | None = None,
    n_end: int | None = None,
    n_new: int | None = None,
    n_reactivated: int = 0,
    n_lost: int | None = None,
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
    """Customer retention: of the customers before, the share who are still there after, in [0, 1].

    Give one of three things:

    flags    ``active_before, active_after``: one row per customer
    ids      ``customers_before, customers_after``: two lists of customer ids; a customer listed
             twice counts once, a missing id is a row that is missing
    counts   ``n_start, n_end, n_new, n_reactivated``, or ``n_lost`` of those at the start in
             place of n_end; customers who came back were not among those at the start

    retained = n_end - n_new - n_reactivated; outside 0 … n_start it is an error
    (``"EINCONSISTENT"``). Customers who were not there before are excluded
    (``not_in_denominator``).

    interval   Wilson; measures retention, successes, denominator

    For the other arguments see :func:`cxm.nps`; groups need flags.

    >>> cxm.retention(n_start=200, n_end=212, n_new=32).value
    0.9
    """
    given = {
        "active_before": active_before, "active_after": active_after,
        "customers_before": customers_before, "customers_after": customers_after,
        "n_start": n_start, "n_end": n_end, "n_new": n_new, "n_reactivated": n_reactivated,
        "n_lost": n_lost,
    }
    other = _other_forms(
        known("retention"), given, {}, data, by, weight, freq, (strata, cluster, fpc), level,
        interval, measures,
    )
    if other is not None:
        return other
    return _run(
        "retention", given, {},
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )


def churn(
    active_before: Any = None,
    active_after: Any = None,
    *,
    data: Any = None,
    by: Any = None,
    reason: Any = None,
    denominator: str = "start",
    customers_before: Any = None,
    customers_after: Any = None,
    n_start: int | None = None,
    n_end: int | None = None,
    n_new: int | None = None,
    n_reactivated: int = 0,
    n_lost: int | None = None,
    n_lost_new: int = 0,
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
    """Customer churn: of the customers before, the share who are gone after, in [0, 1].

    Give one of three things:

    flags    ``active_before, active_after``: one row per customer
    ids      ``customers_before, customers_after``: two lists of customer ids; a customer listed
             twice counts once, a missing id is a row that is missing
    counts   ``n_start, n_end, n_new, n_reactivated``, or ``n_lost`` of those at the start in
             place of n_end; customers who came back were not among those at the start

    ``denominator``  "start": the customers at the start; "average": the mean of the numbers at
                     start and end, a convention of some products that is no share of anybody;
                     "joined", "opening", "survivors", "daily": rules of products, see cxm.presets
    ``reason``       why a customer left, a column beside the flags; churn[reason] sum to churn
    ``n_lost_new``   customers who came and left within the period: lost in every form but "start",
                     and in the measure lost_new

    interval   Wilson; measures churn, churn[reason], successes, denominator, lost_new

    For the other arguments see :func:`cxm.nps`; groups and reasons need flags.

    >>> cxm.churn(active_before=[1, 1, 1, 1], active_after=[1, 0, 1, 1]).value
    0.25
    """
    params = {"denominator": denominator}
    given = {
        "active_before": active_before, "active_after": active_after,
        "customers_before": customers_before, "customers_after": customers_after,
        "n_start": n_start, "n_end": n_end, "n_new": n_new, "n_reactivated": n_reactivated,
        "n_lost": n_lost, "n_lost_new": n_lost_new, "reason": reason,
    }
    other = _other_forms(
        known("churn"), given, params, data, by, weight, freq, (strata, cluster, fpc), level,
        interval, measures,
    )
    if other is not None:
        return other
    return _run(
        "churn", given, params,
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )


def share(
    numerator: Any,
    denominator: Any = None,
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
    """Any yes/no rate: the share of rows with a yes in ``numerator``, among those with a yes in
    ``denominator`` (all rows when it is left out), in [0, 1].

    Complaint, repeat-purchase, awareness, reopen, escalation, resolution rate … Rows outside the
    denominator are excluded (``not_in_denominator``), a yes of theirs does not count.

    interval   Wilson; measures share, successes, denominator

    For the other arguments see :func:`cxm.nps`.

    >>> cxm.share([1, 0, 1, 1], denominator=[1, 1, 1, 0]).n
    3
    """
    return _run(
        "share", {"numerator": numerator, "denominator": denominator}, {},
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )


def mean(
    value: Any,
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
    """Mean of a numeric column, in its own unit (durations in seconds).

    std_error  sd / sqrt(n), sd with divisor n - 1; interval t with n - 1 degrees of freedom
    measures   mean, sd

    One value has no standard error (NaN). For the other arguments see :func:`cxm.nps`.

    >>> cxm.mean([1.5, 2.5]).value
    2.0
    """
    return _run(
        "mean", {"value": value}, {},
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )


def ratio(
    numerator: Any,
    denominator: Any,
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
    """Ratio of two totals: sum of ``numerator`` / sum of ``denominator`` over the rows that have
    both. Not the mean of the rows' ratios.

    std_error  linearised, divisor n - 1; interval t

    A denominator that sums to 0 gives NaN. For the other arguments see :func:`cxm.nps`.

    >>> cxm.ratio([1, 2], [4, 8]).value
    0.25
    """
    return _run(
        "ratio", {"numerator": numerator, "denominator": denominator}, {},
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )


def total(
    value: Any,
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
    """Total of a numeric column, exact and the same in every order.

    std_error  of the total as a survey estimate: sqrt(n) sd; interval t

    For the other arguments see :func:`cxm.nps`.

    >>> cxm.total([0.1] * 10).value
    1.0
    """
    return _run(
        "total", {"value": value}, {},
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )


def convert_rate(rate: float, from_: float, to: float) -> float:
    """A churn rate of a period of length ``to`` from that of a period of length ``from_``:
    1 - (1 - rate)^(to / from_). For retention pass 1 - rate, and take 1 - the result.

    NaN unless 0 <= rate <= 1 and both lengths are finite and above 0.

    >>> round(cxm.convert_rate(0.03, 1, 12), 6)       # 3 % a month is not 36 % a year
    0.306158
    """
    numbers = {"rate": rate, "from_": from_, "to": to}
    return float(lib.cxm_convert_rate(*(_real(name, value) for name, value in numbers.items())))


def _real(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise Error(f"{name} must be a number, not {value!r}", column=name,
                    value=str(value)) from None
