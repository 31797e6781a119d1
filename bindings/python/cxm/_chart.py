# SPDX-License-Identifier: GPL-3.0-or-later
"""Watching a number over time: control charts, run rules, change points."""

from __future__ import annotations

from ctypes import byref, c_double, c_uint64, pointer, sizeof

from ._calendar import CalendarKey
from ._errors import Error, one_of
from ._inputs import Call
from ._library import ChangeOptions, ChartOptions, ChartState, lib
from ._names import checked_level
from ._report import Report, read_report
from ._result import Result
from ._tally import Tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Union

    from ._library import Column

    Rules = Union[str, Iterable[str], None]

_GAPS = ("error", "split", "skip")


def chart(
    kind: str, values: Any = None, sizes: Any = None, *, data: Any = None, period: Any = None,
    measure: str | None = None, limits: float = 3, baseline: int | None = None,
    centre: float | None = None, target: float | None = None, sigma: float | None = None,
    sigma_z: float | None = None, rules: Rules = None, gaps: str = "error",
    exact: bool = False, median_range: bool = False, lambda_: float | None = None,
    asymptotic: bool = False, k: float | None = None, h: float | None = None,
    sigma_units: bool = False, head_start: bool = False, start: Any = None,
) -> Report:
    """A control chart: is the process in control, or did something happen?

    ``kind``:
      - ``"p"`` shares of ``values`` (counts) in ``sizes``: centre ± L sqrt(c (1 − c) / n_i)
      - ``"u"`` counts per size: centre ± L sqrt(c / n_i); ``"c"`` counts of equal areas
      - ``"laney"``, ``"laney_u"``: p′ and u′, with the spread between the points; for sizes above
        some 1000, or where the axis ``sigma_z`` of a p chart is far from 1
      - ``"xmr"`` single values ± L MR / d2 (measure ``x``) and their moving ranges (``mr``)
      - ``"ewma"`` z = λ x + (1 − λ) z, limits that widen to L sigma sqrt(λ / (2 − λ))
      - ``"cusum"`` sums above target + k and below target − k, signal above h: measures
        ``cusum_high`` and ``cusum_low``; a signal does not reset them

    ``values`` is a column, or a grouped result or tally whose last date key is the time
    (``cxm.chart("p", cxm.fcr(…, by=cxm.month("t")))``, ``cxm.chart("xmr", g["nps"])``,
    ``cxm.chart("u", cxm.complaints(…, by=…))``): each combination of the other keys has limits of
    its own. ``measure`` names another measure of it. p and laney take shares; u and laney_u rates
    of events (complaints, contact_rate, reopens_per_ticket, a ratio or mean of counts) in the unit
    of the measure; c numbers, or the events of such a rate.

    Rows have ``value`` (what is plotted), ``lower, upper`` (the control limits) and the axes
    ``period, centre, sigma, signal, reason``. A point exactly on a limit is no signal.

    ``limits`` in sigma; ``baseline`` the first points, from which centre and sigma are estimated
    (default all; ewma and cusum want one, or ``target`` (= ``centre``) and ``sigma``);
    ``centre, sigma, sigma_z`` frozen values; ``rules`` run rules besides the limits, see
    ``run_rules``; ``exact`` d2 = 2/√π in place of the printed 1.128; ``median_range`` (xmr);
    ``lambda_`` (0.2), ``asymptotic`` (ewma); ``k, h`` in the unit of the values, or with
    ``sigma_units`` in sigma (default 0.5 and 5 sigma), ``head_start`` starts at h/2 (cusum);
    ``start`` continues an ewma or cusum: the report of the part before.

    ``gaps``: a missing value or calendar period is an error, or ``"split"`` starts runs, ranges
    and sums anew, ``"skip"`` takes its neighbours together. Sizes of 0 are skipped.

    Raises cxm.Error: EINVAL too few points or an option that does not fit, EDATA a count above
    its size, a gap, a period that is missing or occurs twice.

    Shewhart 1931; Page 1954; Roberts 1959; Laney 2002; NIST/SEMATECH e-Handbook 6.3.
    """
    if not isinstance(kind, str):
        raise Error(
            f'chart takes the kind first, as in cxm.chart("xmr", values), not a {type(kind).__name__}',
            column="kind",
        )
    if values is None:
        raise Error("chart needs values=", column="values")
    if centre is not None and target is not None:
        raise Error("centre and target are the same: pass one of them", column="target")
    options = ChartOptions(size=sizeof(ChartOptions))
    options.limits = _number("limits", limits)
    if options.limits == 0:
        raise Error("limits must be above 0", column="limits", value="0")
    options.baseline = _whole("baseline", baseline)
    if baseline is not None and options.baseline == 0:
        raise Error("baseline must be a number of points", column="baseline", value="0")
    options.centre = _optional("centre", target if centre is None else centre)
    options.sigma = _optional("sigma", sigma)
    options.sigma_z = _optional("sigma_z", sigma_z)
    options.rules = _rules(rules, b"")
    options.gaps = _gaps(gaps)
    setattr(options, "lambda", 0.0 if lambda_ is None else _above("lambda_", lambda_))
    options.k = _optional("k", k)
    options.h = 0.0 if h is None else _above("h", h)
    options.sigma_units, options.head_start = bool(sigma_units), bool(head_start)
    options.exact, options.median_range = bool(exact), bool(median_range)
    options.asymptotic = bool(asymptotic)
    if start is not None:
        options.start = pointer(_state(start))
    return _read(
        lib.cxm_chart, lib.cxm_chart_tally, kind, options, values, measure, sizes, period, data
    )


def run_rules(
    z: Any, *, data: Any = None, rules: Rules = ("N1", "WE4", "N5"), gaps: str = "error"
) -> Report:
    """Run rules on z = (x − centre) / sigma in time order: one row a point, with the axes
    ``period`` (1, 2 …), ``signal`` and ``reason``. The point that completes a pattern is marked;
    comparisons are strict.

    N1 beyond 3; N2 nine on one side; N3 six rising or falling; N4 fourteen alternating; N5 two of
    three beyond 2 on one side; N6 four of five beyond 1 on one side; N7 fifteen within 1; N8 eight
    beyond 1 on both sides; WE4 eight on one side. ``rules="all"``: N1 to N8, which together give
    many false alarms.

    Western Electric 1956; Nelson 1984. Raises cxm.Error: an unknown rule, a missing value
    (unless ``gaps`` says "split" or "skip").
    """
    text, number = _rules(rules, None), _gaps(gaps)
    columns = _Columns(data, z, None, None, "z")
    return read_report(
        lambda out, error: lib.cxm_run_rules(columns.values, text, number, out, error)
    )


def change_point(
    values: Any, sizes: Any = None, *, data: Any = None, period: Any = None,
    method: str | None = None, measure: str | None = None, several: bool = False,
    penalty: float | None = None, level: float = 0.95, permutations: int = 0,
    seed: int | None = None,
) -> Report:
    """Where a series changes its level: one row a change, in time order.

    ``method`` (default "mean", or "proportion" when there are ``sizes``):
      - ``"mean"`` least squares; ``statistic`` supF; gain n ln(RSS before / RSS after)
      - ``"pettitt"`` mid-ranks; ``statistic`` K, p = 2 exp(−6 K² / (n³ + n²))
      - ``"proportion"`` shares ``values / sizes``; ``statistic`` and gain: likelihood ratio
      - ``"rate"`` events per exposure ``values / sizes``: likelihood ratio of Poisson counts

    A change gains more than ``penalty``, default 2 ln n (pettitt: p below 1 − ``level``); else the
    verdict is "no change", and the best split is shown. ``value`` is after − before; axes
    ``period`` (the last one before the change), ``statistic, p_value, value_a, value_b, n_a, n_b,
    verdict``. ``several=True`` looks for more by binary segmentation.

    ``values`` may be a grouped result or tally, as in ``chart``. ``permutations`` with a ``seed``
    give ``p_value`` by Monte Carlo: (hits + 1) / (permutations + 1) over orders of the points, of
    the single trials for shares (for rates, events falling anywhere in the exposure); up to 8
    points exactly, over all orders. The random numbers are
    xoshiro256**, seeded by splitmix64: the same seed gives the same p everywhere.

    Missing values and sizes of 0 are left out and counted. Raises cxm.Error: fewer than 4 points,
    permutations without a seed, a count above its size.

    Hawkins 1977; Pettitt 1979; Andrews 1993; Scott and Knott 1974.
    """
    options = ChangeOptions(size=sizeof(ChangeOptions))
    options.permutations = _whole("permutations", permutations)
    if seed is not None:
        options.seed = pointer(c_uint64(_whole("seed", seed)))
    options.penalty = 0.0 if penalty is None else _above("penalty", penalty)
    options.level = checked_level(level)
    options.several = bool(several)
    if method is None:
        method = "mean" if sizes is None else "proportion"
    return _read(
        lib.cxm_change_point, lib.cxm_change_point_tally, method, options, values, measure, sizes,
        period, data,
    )


# ---- inputs ------------------------------------------------------------------------------------


class _Columns:
    """The columns of one call, as pointers, with what keeps them alive."""

    __slots__ = ("call", "values", "sizes", "period")

    def __init__(
        self, data: Any, values: Any, sizes: Any, period: Any, name: str = "values"
    ) -> None:
        self.call = Call(data, None, ())
        self.values = self._take(values, name)
        self.sizes = self._take(sizes, "sizes")
        self.period = self._take(period, "period", key=True)
        self.call._check_indexes()

    def _take(self, value: Any, name: str, key: bool = False) -> Any:
        if value is None:
            return None
        rule = value if isinstance(value, CalendarKey) else None
        column: Column = self.call.column(rule.column if rule else value, name, key=key)
        if rule:
            column = rule.apply(column)
        self.call.add(name.encode(), column)
        return pointer(column)


def _tally_of(
    values: Any, measure: str | None, sizes: Any, period: Any, data: Any
) -> tuple[Any, int] | None:
    """The tally behind a result, and the number of its measure; None for columns."""
    if isinstance(values, Tally):
        values = values.estimate()
    if not isinstance(values, Result):
        if measure is not None:
            raise Error("measure belongs to results and tallies", column="measure")
        return None
    for name, given in (("sizes", sizes), ("period", period), ("data", data)):
        if given is not None:
            raise Error(f"{name} belongs to columns; a result brings its own", column=name)
    reader = values._reader
    return values._counts(), values._headline if measure is None else reader.find(measure)[0]


def _read(
    of_columns: Any, of_tally: Any, kind: str, options: Any, values: Any, measure: str | None,
    sizes: Any, period: Any, data: Any,
) -> Report:
    """The report of columns, or of the tally behind a result."""
    name = str(kind).encode()
    grouped = _tally_of(values, measure, sizes, period, data)
    if grouped is not None:
        handle, number = grouped
        with handle.lock:
            return read_report(
                lambda out, error: of_tally(
                    name, handle.pointer, number, byref(options), out, error
                )
            )
    columns = _Columns(data, values, sizes, period)
    options.period = columns.period
    return read_report(
        lambda out, error: of_columns(
            name, columns.values, columns.sizes, byref(options), out, error
        )
    )


def _state(start: Any) -> ChartState:
    """Where the chart of the part before ended."""
    if not isinstance(start, Report):
        raise Error("start is the report of the part before", column="start")
    nan = float("nan")
    last = {row.measure: row for row in start if row.axes.get("step") is not None}
    ends = {name: row.value for name, row in last.items()}
    steps = [row.step for row in last.values()]
    for row in start:
        if row.measure == "cusum_low":
            ends["cusum_low"] = row.value if row.value == row.value else ends.get("cusum_low", nan)
    if not ends:
        raise Error("start has no ewma or cusum to continue", column="start")
    if row.value != row.value and "/gaps=split" in row.definition:
        return ChartState(ewma=nan, cusum_high=nan, cusum_low=nan)  # a gap at the end: anew
    return ChartState(
        ewma=ends.get("ewma", nan), cusum_high=ends.get("cusum_high", nan),
        cusum_low=ends.get("cusum_low", nan), step=max(steps, default=0),
    )


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Error(
            f"{name} must be a number, not {value!r}", column=name, value=str(value)
        ) from None


def _above(name: str, value: Any) -> float:
    number = _number(name, value)
    if not number > 0:
        raise Error(f"{name} must be above 0, not {value!r}", column=name, value=str(value))
    return number


def _optional(name: str, value: Any) -> Any:
    return None if value is None else pointer(c_double(_number(name, value)))


def _whole(name: str, value: Any) -> int:
    if value is None:
        return 0
    try:
        number = value.__index__()
    except AttributeError:
        number = -1
    if not 0 <= number < 2**63:
        raise Error(
            f"{name} must be a whole number, 0 or more, not {value!r}", column=name,
            value=str(value),
        )
    return int(number)


def _rules(rules: Rules, none: bytes | None) -> bytes | None:
    if rules is None:
        return none
    if not isinstance(rules, str):
        rules = ",".join(map(str, rules))
    return rules.encode()


def _gaps(gaps: str) -> int:
    if gaps not in _GAPS:
        raise one_of("gaps", gaps, _GAPS)
    return _GAPS.index(gaps)
