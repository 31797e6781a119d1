# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparisons of results and tallies."""

from __future__ import annotations

from ctypes import byref, c_char_p, c_double, sizeof

from ._errors import Error
from ._handle import Handle
from ._library import CompareOptions, ErrorStruct, GroupsOptions, check, lib
from ._names import checked_level
from ._reader import TOTAL
from ._report import Report, read_report
from ._result import Result
from ._shared import no_group
from ._tally import Tally, _both

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Union

    Side = Union[Result, Tally]
    Names = Union[str, Iterable[str], None]

#: What compare() shows beside differences when it is asked for by name.
_EFFECTS = (
    "odds_ratio", "risk_ratio", "cohen_h", "yates", "fisher", "cohen_d", "hedges_g", "chi2", "g2",
    "cramer_v", "mann_whitney",
)
_METHODS = (
    "adjusted", "adjusted-half", "wald", "pooled", "welch", "pooled-t", "newcombe",
    "agresti-caffo", "permutation", "exact",
)
_ADJUSTMENTS = ("holm", "hochberg", "bh", "by", "bonferroni", "none")


class Comparison(Report):
    """The rows of :func:`compare`. Effect sizes and further measures are computed when they are
    asked for: ``c["odds_ratio"]``, ``c["difference[promoters]"]``."""

    __slots__ = ("_sides",)

    _sides: tuple[Any, ...]

    def __getitem__(self, name: str) -> Report:
        try:
            return super().__getitem__(name)
        except Error:
            if len(self._sides) < 2:
                raise
        a, b, level, method, mix = self._sides
        if name.partition("[")[0] not in ("difference", "within", "mix", *_EFFECTS):
            return super().__getitem__(name)
        whole = _compare(a, b, level, method, None, mix, everything=True)
        return super(Comparison, whole).__getitem__(name)


def compare(
    a: Side,
    b: Side,
    *,
    level: float = 0.95,
    method: str | None = None,
    measures: Names = None,
    within_mix: bool = True,
) -> Report:
    """The difference a - b of two results or tallies; a change over time is ``compare(now, before)``.

    Both need the same metric, parameters and keys; they are taken as independent samples, so a
    group is not to be compared with a total that it is part of (:func:`compare_groups` takes it
    out). Groups are matched by key, all groups together come last; a group that only one side has is
    kept, with NaN. ``compare(g.group("EMEA"), g.group("APAC"))`` and ``compare(now["promoters"],
    before["promoters"])`` work too; two groups of one sampling design are compared with their
    covariance.

    value       a - b, in the unit of the measure (points, shares …)
    interval    of the difference, by ``method``; std_error; ``c.centre``, its middle
    p_value     two-sided (also ``c.p``); ``p_greater`` and ``p_less`` one-sided: were there no
                difference, the chance of one as large or larger, as small or smaller
    also        ``statistic, df, value_a, value_b, n_a, n_b``

    ``method``    None: net scores "adjusted" (¾, 1½, ¾ answers added on each side, Rocks 2016),
                  shares "newcombe" (hybrid score), means, indexes and gaps "welch", weighted rows
                  linearised t. Also "adjusted-half", "wald", "pooled", "pooled-t",
                  "agresti-caffo", "permutation", "exact" (net scores: exact permutation test up
                  to 2 000 answers; shares: Fisher). Measures that it does not fit keep theirs
    ``measures``  names, or "all"; None: those that the sides show. Rows are called
                  ``difference``, and ``difference[promoters]`` for all but the headline
    ``within_mix``  with groups: how much of the total change happened within each group
                  (``c["within"]``), and how much because there are more or fewer of it
                  (``c["mix"]``; Kitagawa 1955). Their sum over groups is the total change

    Effect sizes and further tests are rows that are computed when they are asked for:
    ``c["odds_ratio"]``, ``["risk_ratio"]``, ``["cohen_h"]``, ``["yates"]``, ``["fisher"]`` of
    shares; ``["cohen_d"]``, ``["hedges_g"]`` of means and net scores; ``["chi2"]``, ``["g2"]``,
    ``["cramer_v"]`` of the three shares of a net score; ``["mann_whitney[mean]"]`` of ratings.

    Errors: different definitions, keys or kinds of weights (``"EMISMATCH"``), unknown or unfit
    names (``"EINVAL"``).

    >>> now = cxm.nps([2, 8, 10], freq=[12, 28, 60])
    >>> before = cxm.nps([2, 8, 10], freq=[15, 25, 40])
    >>> c = cxm.compare(now, before)
    >>> c.value, round(c.lower, 2), round(c.upper, 2), round(c.p_value, 4)
    (16.75, -4.92, 37.89, 0.1313)
    >>> round(cxm.compare(now, before, method="exact").p, 4)
    0.1543
    """
    level = checked_level(level)
    a, b = _kept(a), _kept(b)
    if _of_one_design(a, b):
        return _compare_domains(a, b, level, method, measures)
    names, everything = measures, measures == "all"
    if isinstance(names, str):
        names = [names]
    wanted = None if names is None or everything else list(names)
    if wanted is None and not everything:
        wanted = _shown(a)
    effects = [name for name in wanted or () if name.partition("[")[0] in _EFFECTS]
    if effects and wanted is not None:
        wanted = [name for name in wanted if name not in effects]
        whole = _compare(a, b, level, method, None, within_mix, everything=True)
        return _pick(whole, [*(_row_name(whole, a, name) for name in wanted), *effects])
    return _compare(a, b, level, method, wanted, within_mix, everything)


def _of_one_design(a: Side, b: Side) -> bool:
    """Are these two groups of one result with a sampling design?"""
    if not (isinstance(a, Result) and isinstance(b, Result)):
        return False
    groups = (a._group, b._group)
    if a._reader.handle is not b._reader.handle or None in groups or TOTAL in groups:
        return False
    return groups[0] != groups[1] and bool(a._reader.handle.info().n_design)


def _compare_domains(a: Any, b: Any, level: float, method: str | None, measures: Names) -> Report:
    names = [measures] if isinstance(measures, str) else list(measures or a.measures[:1])
    if len(names) != 1 or names[0] == "all":
        raise Error(
            "two groups of a sampling design are compared in one measure at a time",
            column="measures",
        )
    options = _group_options(a, names[0], level, method, "none", None)
    options.against, options.base = 1, b._group
    a._counts()  # refuses what the library could not see
    handle = a._reader.handle
    with handle.lock:
        report = read_report(
            lambda out, error: lib.cxm_compare_groups(
                handle.pointer, byref(options), out, error
            )
        )
    return report.group(a.groups[0])


def _compare(
    a: Side, b: Side, level: float, method: str | None, measures: list[str] | None,
    within_mix: bool, everything: bool,
) -> Comparison:
    mine, theirs = _handle(a, "a"), _handle(b, "b")
    if mine is theirs:  # its lock can be taken once
        theirs = theirs.copy()
    options = CompareOptions()
    options.size = sizeof(CompareOptions)
    options.level = level
    options.method = 0 if method is None else method_number(method)
    if measures is not None:
        options.measures = (c_char_p * len(measures))(*(str(m).encode() for m in measures))
        options.n_measures = len(measures)
    options.all_measures = options.effects = int(everything)
    options.no_mix = int(not within_mix)
    options.lonely = _lonely(a) or _lonely(b)
    with _both(mine, theirs):
        report = read_report(
            lambda out, error: lib.cxm_compare(
                mine.pointer, theirs.pointer, byref(options), out, error
            )
        )
    whole = Comparison(report._store)
    whole._sides = () if everything else (a, b, level, method, within_mix)
    return whole


def _row_name(whole: Report, a: Side, measure: str) -> str:
    """What the row of a measure is called."""
    headline = "difference" if measure == _headline(a) else f"difference[{measure}]"
    return headline


def _headline(side: Side) -> str:
    result = side if isinstance(side, Result) else side.estimate()
    return result._reader.measures()[0].name


def _pick(report: Report, names: list[str]) -> Report:
    rows = [row for name in names for row in report[name]._rows]
    return Report(report._store, rows)


def _shown(side: Side) -> list[str] | None:
    """The measures that a result was narrowed to."""
    if isinstance(side, Result) and side._shown is not None:
        return side.measures
    return None


def _lonely(side: Side) -> int:
    return side._reader.lonely if isinstance(side, Result) else 0


def _kept(side: Any) -> Any:
    """What is asked for later is of the rows that are there now."""
    return side.copy() if isinstance(side, Tally) else side


def _handle(side: Any, name: str) -> Handle:
    if isinstance(side, Result):
        return side._counts()
    if isinstance(side, Tally):
        return side._ready()
    raise Error(
        f"{name}: a result or a tally is needed, not {type(side).__name__}", column=name
    )


def method_number(name: str) -> int:
    """The number of a method of comparison."""
    number = lib.cxm_compare_method_from_name(name.encode()) if isinstance(name, str) else -1
    if number < 0:
        raise Error(
            f"there is no method {name!r}; there are {', '.join(_METHODS)}", column="method",
            value=str(name),
        )
    return int(number)


def adjust_number(name: str) -> int:
    """The number of a way to adjust p-values."""
    number = lib.cxm_adjust_from_name(name.encode()) if isinstance(name, str) else -1
    if number < 0:
        raise Error(
            f"there is no adjustment {name!r}; there are {', '.join(_ADJUSTMENTS)}",
            column="adjust", value=str(name),
        )
    return int(number)


# ---- many groups -------------------------------------------------------------------------------

_AGAINST = {"rest": 0, "pairs": 2, "none": 3}


def compare_groups(
    g: Side,
    measure: str | None = None,
    *,
    against: Any = "rest",
    base: Any = None,
    adjust: str = "holm",
    level: float = 0.95,
    method: str | None = None,
    min_n: int | None = None,
) -> Report:
    """Do the groups of a grouped result or tally differ, and which?

    ``c["homogeneity"]`` tests whether all groups are equal: shares and net scores by chi-square
    (also ``g2``, ``cramer_v``; flag SMALL_N where an expected count is below 5), means by Cochran's
    Q and, for ratings, ``kruskal_wallis``; net scores also have ``heterogeneity`` (Q). ``c["residual"]``
    are the adjusted residuals: how far a group is from the others, standard normal.
    ``c["difference"]`` compares each group, as :func:`compare` does, with

    ``against``   ``"rest"``, all other groups together; ``"pairs"``, each with each; ``"none"``; or
                  the key of a group (``base=key`` for one that is called "rest")
    ``adjust``    how ``p_adjusted`` is made, see :func:`adjust`
    ``measure``   None: the headline, or what ``g`` was narrowed to: ``compare_groups(g["promoters"])``
    ``min_n``     groups with fewer rows are flagged SMALL_N (30)

    >>> g = cxm.nps([2, 8, 10] * 3, freq=[15, 25, 40, 12, 28, 60, 10, 20, 70], by=list("aaabbbccc"))
    >>> c = cxm.compare_groups(g)
    >>> round(c["homogeneity"].value, 4), round(c["homogeneity"].p, 4)
    (8.0693, 0.0891)
    """
    options = _group_options(g, measure, level, method, adjust, min_n)
    _set_against(options, g, against, base)
    return _run_groups(g, lib.cxm_compare_groups, options)


def league(
    g: Side,
    against: Any = "rest",
    adjust: str = "holm",
    min_n: int | None = None,
    *,
    measure: str | None = None,
    level: float = 0.95,
    method: str | None = None,
) -> Report:
    """A league table: the groups of a grouped result or tally, the highest value first.

    A row a group: its value and interval, and ``rank``, ``rank_lower``, ``rank_upper`` (limits of
    the true rank that hold for all groups together with probability ``level``, from all pairs,
    Holm-adjusted; after Mohamad, Goeman and van Zwet 2019), ``difference`` to the rest (or to the
    group ``against=key``) with ``p_value`` and ``p_adjusted``. Groups with fewer than ``min_n`` rows
    (30) stay and are flagged SMALL_N.

    >>> g = cxm.nps([2, 8, 10] * 2, freq=[15, 25, 40, 12, 28, 60], by=list("aaabbb"))
    >>> [(row.group, row.rank, row.rank_lower, row.rank_upper) for row in cxm.league(g)]
    [('b', 1, 1, 2), ('a', 2, 1, 2)]
    """
    options = _group_options(g, measure, level, method, adjust, min_n)
    _set_against(options, g, against, None)
    return _run_groups(g, lib.cxm_league, options)


def trend(
    g: Side,
    scores: Any = None,
    *,
    measure: str | None = None,
    level: float = 0.95,
) -> Report:
    """A trend over ordered groups, such as months: shares by Cochran and Armitage, everything else
    by least squares weighted with 1 / std_error².

    Rows: ``slope`` (per unit of score, with interval and p), ``pooled``, ``homogeneity`` (are all
    equal?), ``departure`` (from a straight line), ``mann_kendall``; shares also ``cochran_armitage``.

    ``scores``  where each group stands: a list in the order of ``g.groups``, or a mapping from key to
                number; None or NaN leaves a group out. Default 0, 1, 2 … in the order of the keys,
                which must not be text

    >>> g = cxm.share([1, 0] * 4, freq=[60, 40, 66, 34, 75, 35, 84, 21], by=[1, 1, 2, 2, 3, 3, 4, 4])
    >>> t = cxm.trend(g)
    >>> round(t["slope"].statistic, 6), round(t["cochran_armitage"].value, 6)
    (3.036974, 9.223214)
    """
    options = _group_options(g, measure, level, None, "holm", None)
    if scores is not None:
        values = _scores(g, scores)
        options.scores = (c_double * len(values))(*values)
        options.n_scores = len(values)
    return _run_groups(g, lib.cxm_trend, options)


def _scores(g: Side, scores: Any) -> list[float]:
    if hasattr(scores, "keys"):
        keys = g.groups
        unknown = [key for key in scores if key not in keys]
        if unknown:
            raise Error(f"scores: there is no group {unknown[0]!r}", column="scores")
        scores = [scores.get(key) for key in keys]
    try:
        return [float("nan") if v is None else float(v) for v in scores]
    except (TypeError, ValueError):
        raise Error("scores: a number for each group is needed", column="scores") from None


def _group_options(
    g: Side, measure: str | None, level: float, method: str | None, adjust: str,
    min_n: int | None,
) -> GroupsOptions:
    options = GroupsOptions()
    options.size = sizeof(GroupsOptions)
    options.level = checked_level(level)
    options.method = 0 if method is None else method_number(method)
    options.adjust = adjust_number(adjust)
    options.lonely = _lonely(g)
    if min_n is not None:
        options.small_n = min_n
    if measure is None and isinstance(g, Result) and g._shown is not None:
        measure = g.measure
    options.measure = None if measure is None else str(measure).encode()
    return options


def _set_against(options: GroupsOptions, g: Side, against: Any, base: Any) -> None:
    if base is None and isinstance(against, str) and against in _AGAINST:
        options.against = _AGAINST[against]
        return
    key, keys = against if base is None else base, getattr(g, "groups", [])
    if key not in keys:
        raise no_group(key, keys)
    options.against, options.base = 1, keys.index(key)


def _run_groups(g: Side, function: Any, options: GroupsOptions) -> Report:
    handle = _handle(g, "g")
    with handle.lock:
        return read_report(
            lambda out, error: function(handle.pointer, byref(options), out, error)
        )


# ---- several p-values --------------------------------------------------------------------------


def adjust(p: Iterable[float | None], method: str = "holm") -> list[float]:
    """P-values adjusted for being several, in the same order.

    ``"holm"`` (few planned comparisons), ``"hochberg"``, ``"bh"`` (Benjamini-Hochberg: screening
    many), ``"by"`` (Benjamini-Yekutieli), ``"bonferroni"``, ``"none"``. None and NaN stay NaN and
    do not count.

    >>> [round(x, 3) for x in cxm.adjust([0.04, 0.001, 0.04, 0.03, None, 0.2])]
    [0.12, 0.005, 0.12, 0.12, nan, 0.2]
    """
    nan = float("nan")
    try:
        values = [nan if v is None else float(v) for v in p]
    except (TypeError, ValueError):
        raise Error("p: a list of numbers is needed", column="p") from None
    numbers, error = (c_double * len(values))(*values), ErrorStruct()
    number = adjust_number(method)
    check(lib.cxm_adjust(numbers, len(values), number, numbers, byref(error)), error)
    return list(numbers)
